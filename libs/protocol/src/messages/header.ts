import { int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Before every request. The client id keeps its old encoding in v2, so that any broker can read the header. */
export const requestHeader = message(
  { name: "RequestHeader", validVersions: "1-2", flexibleVersions: "2+" },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ versions: "1+", nullable: "1+", flexible: "none" }),
  },
);

/** Before every response. */
export const responseHeader = message(
  { name: "ResponseHeader", validVersions: "0-1", flexibleVersions: "1+" },
  { correlationId: int32() },
);

export interface RequestHeader extends Infer<typeof requestHeader> {}
export interface ResponseHeader extends Infer<typeof responseHeader> {}
