import { apiMessage } from "../schema/api.ts";
import { bytes, int16, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Carries one step of a SASL exchange from the client. */
export const saslAuthenticateRequest = message(
  { name: "SaslAuthenticateRequest", validVersions: "0-2", flexibleVersions: "2+" },
  { authBytes: bytes() },
);

/** Carries one step of a SASL exchange from the broker. */
export const saslAuthenticateResponse = message(
  { name: "SaslAuthenticateResponse", validVersions: "0-2", flexibleVersions: "2+" },
  {
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: "1+", ignorable: true, default: 0 }),
  },
);

export const saslAuthenticateApi = apiMessage({
  key: 36,
  name: "SaslAuthenticate",
  request: saslAuthenticateRequest,
  response: saslAuthenticateResponse,
});

export interface SaslAuthenticateRequest extends Infer<typeof saslAuthenticateRequest> {}
export interface SaslAuthenticateResponse extends Infer<typeof saslAuthenticateResponse> {}
