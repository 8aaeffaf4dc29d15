import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Stores the offsets a group has reached. */
export const offsetCommitRequest = message(
  { name: "OffsetCommitRequest", validVersions: "2-10", flexibleVersions: "8+" },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: "7+", nullable: "7+", default: null }),
    retentionTimeMs: int64({ versions: "2-4", ignorable: true, default: -1 }),
    topics: array({
      name: string({ versions: "0-9", ignorable: true }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: "6+", ignorable: true, default: -1 }),
        committedMetadata: string({ nullable: "0+" }),
      }),
    }),
  },
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

export interface OffsetCommitRequest extends Infer<typeof offsetCommitRequest> {}
export interface OffsetCommitResponse extends Infer<typeof offsetCommitResponse> {}
