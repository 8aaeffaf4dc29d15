import { apiMessage } from "../schema/api.ts";
import { int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Removes a broker from the cluster for good. */
export const unregisterBrokerRequest = message(
  { name: "UnregisterBrokerRequest", validVersions: "0", flexibleVersions: "0+" },
  { brokerId: int32() },
);

/** Result. */
export const unregisterBrokerResponse = message(
  { name: "UnregisterBrokerResponse", validVersions: "0", flexibleVersions: "0+" },
  { throttleTimeMs: int32(), errorCode: int16(), errorMessage: string({ nullable: "0+" }) },
);

export const unregisterBrokerApi = apiMessage({
  key: 64,
  name: "UnregisterBroker",
  request: unregisterBrokerRequest,
  response: unregisterBrokerResponse,
});

export interface UnregisterBrokerRequest extends Infer<typeof unregisterBrokerRequest> {}
export interface UnregisterBrokerResponse extends Infer<typeof unregisterBrokerResponse> {}
