import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Coordinator to partition leaders: writes the markers that end transactions. */
export const writeTxnMarkersRequest = message(
  { name: "WriteTxnMarkersRequest", validVersions: "1-2", flexibleVersions: "1+" },
  {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ versions: "2+", ignorable: true, default: 0 }),
    }),
  },
);

/** Result for each partition. */
export const writeTxnMarkersResponse = message(
  { name: "WriteTxnMarkersResponse", validVersions: "1-2", flexibleVersions: "1+" },
  {
    markers: array({
      producerId: int64(),
      topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
);

export const writeTxnMarkersApi = apiMessage({
  key: 27,
  name: "WriteTxnMarkers",
  request: writeTxnMarkersRequest,
  response: writeTxnMarkersResponse,
});

export interface WriteTxnMarkersRequest extends Infer<typeof writeTxnMarkersRequest> {}
export interface WriteTxnMarkersResponse extends Infer<typeof writeTxnMarkersResponse> {}
