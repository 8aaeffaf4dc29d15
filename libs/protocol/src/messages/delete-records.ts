import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Moves the log start offset of partitions up. */
export const deleteRecordsRequest = message(
  { name: "DeleteRecordsRequest", validVersions: "0-2", flexibleVersions: "2+" },
  {
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), offset: int64() }) }),
    timeoutMs: int32(),
  },
);

/** New log start offset of each partition. */
export const deleteRecordsResponse = message(
  { name: "DeleteRecordsResponse", validVersions: "0-2", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
);

export const deleteRecordsApi = apiMessage({
  key: 21,
  name: "DeleteRecords",
  request: deleteRecordsRequest,
  response: deleteRecordsResponse,
});

export interface DeleteRecordsRequest extends Infer<typeof deleteRecordsRequest> {}
export interface DeleteRecordsResponse extends Infer<typeof deleteRecordsResponse> {}
