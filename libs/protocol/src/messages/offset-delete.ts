import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Deletes committed offsets of a group. */
export const offsetDeleteRequest = message(
  { name: "OffsetDeleteRequest", validVersions: "0" },
  { groupId: string(), topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }) },
);

/** Result for each partition. */
export const offsetDeleteResponse = message(
  { name: "OffsetDeleteResponse", validVersions: "0" },
  {
    errorCode: int16(),
    throttleTimeMs: int32(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
);

export const offsetDeleteApi = apiMessage({
  key: 47,
  name: "OffsetDelete",
  request: offsetDeleteRequest,
  response: offsetDeleteResponse,
});

export interface OffsetDeleteRequest extends Infer<typeof offsetDeleteRequest> {}
export interface OffsetDeleteResponse extends Infer<typeof offsetDeleteResponse> {}
