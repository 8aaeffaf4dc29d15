import { apiMessage } from "../schema/api.ts";
import { bool, bytes, int8, int16, int32, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Sends metrics to the broker (KIP-714). */
export const pushTelemetryRequest = message(
  { name: "PushTelemetryRequest", validVersions: "0", flexibleVersions: "0+" },
  { clientInstanceId: uuid(), subscriptionId: int32(), terminating: bool(), compressionType: int8(), metrics: bytes() },
);

/** Result. */
export const pushTelemetryResponse = message(
  { name: "PushTelemetryResponse", validVersions: "0", flexibleVersions: "0+" },
  { throttleTimeMs: int32(), errorCode: int16() },
);

export const pushTelemetryApi = apiMessage({
  key: 72,
  name: "PushTelemetry",
  request: pushTelemetryRequest,
  response: pushTelemetryResponse,
});

export interface PushTelemetryRequest extends Infer<typeof pushTelemetryRequest> {}
export interface PushTelemetryResponse extends Infer<typeof pushTelemetryResponse> {}
