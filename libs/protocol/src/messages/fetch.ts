import { fetchRequestCodec, fetchResponseCodec } from "#message-codecs";
import { apiMessage } from "../schema/api.ts";
import { message } from "../schema/message.ts";
import { fetchRequestFields, fetchResponseFields } from "./fetch-fields.ts";

export type {
  AbortedTransaction,
  FetchRequest,
  FetchRequestPartition,
  FetchRequestPartitionInput,
  FetchRequestTopic,
  FetchRequestTopicInput,
  FetchResponse,
  FetchResponsePartition,
  FetchResponsePartitionInput,
  FetchResponseTopic,
  FetchResponseTopicInput,
} from "./fetch-fields.ts";

/** Reads record batches from partitions, waiting for them if asked to. Sessions from v7 (KIP-227), topic ids from v13. */
export const fetchRequest = message(
  {
    name: "FetchRequest",
    validVersions: "4-18",
    flexibleVersions: "12+",
    codec: fetchRequestCodec,
  },
  fetchRequestFields,
);

/** Record batches and the partitions' offsets. */
export const fetchResponse = message(
  {
    name: "FetchResponse",
    validVersions: "4-18",
    flexibleVersions: "12+",
    codec: fetchResponseCodec,
  },
  fetchResponseFields,
);

export const fetchApi = apiMessage({
  key: 1,
  name: "Fetch",
  request: fetchRequest,
  response: fetchResponse,
});
