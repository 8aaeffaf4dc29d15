import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks which metrics the broker wants of the client (KIP-714). */
export const getTelemetrySubscriptionsRequest = message(
  { name: "GetTelemetrySubscriptionsRequest", validVersions: "0", flexibleVersions: "0+" },
  { clientInstanceId: uuid() },
);

/** The metrics wanted. */
export const getTelemetrySubscriptionsResponse = message(
  { name: "GetTelemetrySubscriptionsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
);

export const getTelemetrySubscriptionsApi = apiMessage({
  key: 71,
  name: "GetTelemetrySubscriptions",
  request: getTelemetrySubscriptionsRequest,
  response: getTelemetrySubscriptionsResponse,
});

export interface GetTelemetrySubscriptionsRequest extends Infer<typeof getTelemetrySubscriptionsRequest> {}
export interface GetTelemetrySubscriptionsResponse extends Infer<typeof getTelemetrySubscriptionsResponse> {}
