import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, string, uint16, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { listenerUrl } from "./listener-url.ts";

/** Broker to controller: registers after a start. */
export const brokerRegistrationRequest = message(
  { name: "BrokerRegistrationRequest", validVersions: "0-4", flexibleVersions: "0+" },
  {
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
      url: listenerUrl("0+"),
    }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string({ nullable: "0+" }),
    isMigratingZkBroker: bool({ versions: "1+", default: false }),
    logDirs: array(uuid(), { versions: "2+", ignorable: true }),
    previousBrokerEpoch: int64({ versions: "3+", ignorable: true, default: -1 }),
  },
);

/** The broker's epoch. */
export const brokerRegistrationResponse = message(
  { name: "BrokerRegistrationResponse", validVersions: "0-4", flexibleVersions: "0+" },
  { throttleTimeMs: int32(), errorCode: int16(), brokerEpoch: int64({ default: -1 }) },
);

export const brokerRegistrationApi = apiMessage({
  key: 62,
  name: "BrokerRegistration",
  request: brokerRegistrationRequest,
  response: brokerRegistrationResponse,
});

export interface BrokerRegistrationRequest extends Infer<typeof brokerRegistrationRequest> {}
export interface BrokerRegistrationResponse extends Infer<typeof brokerRegistrationResponse> {}
