import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Stores offsets as part of a transaction. */
export const txnOffsetCommitRequest = message(
  { name: "TxnOffsetCommitRequest", validVersions: "0-5", flexibleVersions: "3+" },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ versions: "3+", default: -1 }),
    memberId: string({ versions: "3+", default: "" }),
    groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: "2+", ignorable: true, default: -1 }),
        committedMetadata: string({ nullable: "0+" }),
      }),
    }),
  },
);

/** Result for each partition. */
export const txnOffsetCommitResponse = message(
  { name: "TxnOffsetCommitResponse", validVersions: "0-5", flexibleVersions: "3+" },
  {
    throttleTimeMs: int32(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
);

export const txnOffsetCommitApi = apiMessage({
  key: 28,
  name: "TxnOffsetCommit",
  request: txnOffsetCommitRequest,
  response: txnOffsetCommitResponse,
});

export interface TxnOffsetCommitRequest extends Infer<typeof txnOffsetCommitRequest> {}
export interface TxnOffsetCommitResponse extends Infer<typeof txnOffsetCommitResponse> {}
