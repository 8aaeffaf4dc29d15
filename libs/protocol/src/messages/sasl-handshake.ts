import { apiMessage } from "../schema/api.ts";
import { array, int16, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Chooses the SASL mechanism. */
export const saslHandshakeRequest = message(
  { name: "SaslHandshakeRequest", validVersions: "0-1" },
  { mechanism: string() },
);

/** Mechanisms the broker offers. */
export const saslHandshakeResponse = message(
  { name: "SaslHandshakeResponse", validVersions: "0-1" },
  { errorCode: int16(), mechanisms: array(string()) },
);

export const saslHandshakeApi = apiMessage({
  key: 17,
  name: "SaslHandshake",
  request: saslHandshakeRequest,
  response: saslHandshakeResponse,
});

export interface SaslHandshakeRequest extends Infer<typeof saslHandshakeRequest> {}
export interface SaslHandshakeResponse extends Infer<typeof saslHandshakeResponse> {}
