import { metadataResponseCodec } from "#message-codecs";
import { apiMessage } from "../schema/api.ts";
import { array, bool, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { metadataResponseFields } from "./metadata-fields.ts";

export {
  type MetadataResponse,
  type MetadataResponseBroker,
  type MetadataResponseBrokerInput,
  type MetadataResponsePartition,
  type MetadataResponsePartitionInput,
  type MetadataResponseTopic,
  type MetadataResponseTopicInput,
  NO_AUTHORIZED_OPERATIONS,
} from "./metadata-fields.ts";

/** Asks for brokers, topics and partition leaders; null topics means all of them (an empty list, in v0). */
export const metadataRequest = message(
  { name: "MetadataRequest", validVersions: "0-13", flexibleVersions: "9+" },
  {
    topics: array(
      { topicId: uuid({ versions: "10+", ignorable: true }), name: string({ nullable: "10+" }) },
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: bool({ versions: "4+", default: true }),
    includeClusterAuthorizedOperations: bool({ versions: "8-10" }),
    includeTopicAuthorizedOperations: bool({ versions: "8+" }),
  },
);

/** The cluster as the broker knows it. */
export const metadataResponse = message(
  {
    name: "MetadataResponse",
    validVersions: "0-13",
    flexibleVersions: "9+",
    codec: metadataResponseCodec,
  },
  metadataResponseFields,
);

export const metadataApi = apiMessage({
  key: 3,
  name: "Metadata",
  request: metadataRequest,
  response: metadataResponse,
});

export interface MetadataRequest extends Infer<typeof metadataRequest> {}
