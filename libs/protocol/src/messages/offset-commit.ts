import { offsetCommitRequestCodec } from "#message-codecs";
import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { offsetCommitRequestFields } from "./offset-commit-fields.ts";

export type {
  OffsetCommitRequest,
  OffsetCommitRequestPartition,
  OffsetCommitRequestTopic,
  OffsetCommitRequestTopicInput,
} from "./offset-commit-fields.ts";

/** Stores the offsets a group has reached. */
export const offsetCommitRequest = message(
  {
    name: "OffsetCommitRequest",
    validVersions: "2-10",
    flexibleVersions: "8+",
    codec: offsetCommitRequestCodec,
  },
  offsetCommitRequestFields,
);

/** Result for each partition. */
export const offsetCommitResponse = message(
  { name: "OffsetCommitResponse", validVersions: "2-10", flexibleVersions: "8+" },
  {
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    topics: array({
      name: string({ versions: "0-9", ignorable: true }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
);

export const offsetCommitApi = apiMessage({
  key: 8,
  name: "OffsetCommit",
  request: offsetCommitRequest,
  response: offsetCommitResponse,
});

export interface OffsetCommitResponse extends Infer<typeof offsetCommitResponse> {}
