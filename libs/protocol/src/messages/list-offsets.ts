import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Finds offsets by timestamp; negative timestamps name the ends of the log. */
export const listOffsetsRequest = message(
  { name: "ListOffsetsRequest", validVersions: "1-11", flexibleVersions: "6+" },
  {
    replicaId: int32(),
    isolationLevel: int8({ versions: "2+" }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: "4+", ignorable: true, default: -1 }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ versions: "10+", ignorable: true }),
  },
);

/** The offset found for each partition. */
export const listOffsetsResponse = message(
  { name: "ListOffsetsResponse", validVersions: "1-11", flexibleVersions: "6+" },
  {
    throttleTimeMs: int32({ versions: "2+", ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ versions: "4+", default: -1 }),
      }),
    }),
  },
);

export const listOffsetsApi = apiMessage({
  key: 2,
  name: "ListOffsets",
  request: listOffsetsRequest,
  response: listOffsetsResponse,
});

export interface ListOffsetsRequest extends Infer<typeof listOffsetsRequest> {}
export interface ListOffsetsResponse extends Infer<typeof listOffsetsResponse> {}
