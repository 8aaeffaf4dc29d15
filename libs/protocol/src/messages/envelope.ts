import { apiMessage } from "../schema/api.ts";
import { bytes, int16 } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Carries a forwarded request with its principal. */
export const envelopeRequest = message(
  { name: "EnvelopeRequest", validVersions: "0", flexibleVersions: "0+" },
  { requestData: bytes(), requestPrincipal: bytes({ nullable: "0+" }), clientHostAddress: bytes() },
);

/** Carries the response to a forwarded request. */
export const envelopeResponse = message(
  { name: "EnvelopeResponse", validVersions: "0", flexibleVersions: "0+" },
  { responseData: bytes({ nullable: "0+", default: null }), errorCode: int16() },
);

export const envelopeApi = apiMessage({
  key: 58,
  name: "Envelope",
  request: envelopeRequest,
  response: envelopeResponse,
});

export interface EnvelopeRequest extends Infer<typeof envelopeRequest> {}
export interface EnvelopeResponse extends Infer<typeof envelopeResponse> {}
