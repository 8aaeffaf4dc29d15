import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Broker to controller: stays alive, asks to be unfenced or to shut down. */
export const brokerHeartbeatRequest = message(
  { name: "BrokerHeartbeatRequest", validVersions: "0-2", flexibleVersions: "0+" },
  {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    offlineLogDirs: array(uuid(), { versions: "1+", tag: 0 }),
    cordonedLogDirs: array(uuid(), { versions: "2+", nullable: "2+", tag: 1, default: null }),
  },
);

/** What the controller wants of the broker. */
export const brokerHeartbeatResponse = message(
  { name: "BrokerHeartbeatResponse", validVersions: "0-2", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    isCaughtUp: bool({ default: false }),
    isFenced: bool({ default: true }),
    shouldShutDown: bool(),
  },
);

export const brokerHeartbeatApi = apiMessage({
  key: 63,
  name: "BrokerHeartbeat",
  request: brokerHeartbeatRequest,
  response: brokerHeartbeatResponse,
});

export interface BrokerHeartbeatRequest extends Infer<typeof brokerHeartbeatRequest> {}
export interface BrokerHeartbeatResponse extends Infer<typeof brokerHeartbeatResponse> {}
