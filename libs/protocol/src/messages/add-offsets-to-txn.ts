import { apiMessage } from "../schema/api.ts";
import { int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Adds a group's offsets to a transaction. */
export const addOffsetsToTxnRequest = message(
  { name: "AddOffsetsToTxnRequest", validVersions: "0-4", flexibleVersions: "3+" },
  { transactionalId: string(), producerId: int64(), producerEpoch: int16(), groupId: string() },
);

/** Result. */
export const addOffsetsToTxnResponse = message(
  { name: "AddOffsetsToTxnResponse", validVersions: "0-4", flexibleVersions: "3+" },
  { throttleTimeMs: int32(), errorCode: int16() },
);

export const addOffsetsToTxnApi = apiMessage({
  key: 25,
  name: "AddOffsetsToTxn",
  request: addOffsetsToTxnRequest,
  response: addOffsetsToTxnResponse,
});

export interface AddOffsetsToTxnRequest extends Infer<typeof addOffsetsToTxnRequest> {}
export interface AddOffsetsToTxnResponse extends Infer<typeof addOffsetsToTxnResponse> {}
