import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks where leader epochs end, to find where logs part. */
export const offsetForLeaderEpochRequest = message(
  { name: "OffsetForLeaderEpochRequest", validVersions: "2-4", flexibleVersions: "4+" },
  {
    replicaId: int32({ versions: "3+", ignorable: true, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({ partition: int32(), currentLeaderEpoch: int32({ default: -1 }), leaderEpoch: int32() }),
    }),
  },
);

/** End offset of each epoch. */
export const offsetForLeaderEpochResponse = message(
  { name: "OffsetForLeaderEpochResponse", validVersions: "2-4", flexibleVersions: "4+" },
  {
    throttleTimeMs: int32(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
);

export const offsetForLeaderEpochApi = apiMessage({
  key: 23,
  name: "OffsetForLeaderEpoch",
  request: offsetForLeaderEpochRequest,
  response: offsetForLeaderEpochResponse,
});

export interface OffsetForLeaderEpochRequest extends Infer<typeof offsetForLeaderEpochRequest> {}
export interface OffsetForLeaderEpochResponse extends Infer<typeof offsetForLeaderEpochResponse> {}
