import { apiMessage } from "../schema/api.ts";
import { array, bytes, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Sets or deletes SCRAM credentials. */
export const alterUserScramCredentialsRequest = message(
  { name: "AlterUserScramCredentialsRequest", validVersions: "0", flexibleVersions: "0+" },
  {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
);

/** Result for each user. */
export const alterUserScramCredentialsResponse = message(
  { name: "AlterUserScramCredentialsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    results: array({ user: string(), errorCode: int16(), errorMessage: string({ nullable: "0+" }) }),
  },
);

export const alterUserScramCredentialsApi = apiMessage({
  key: 51,
  name: "AlterUserScramCredentials",
  request: alterUserScramCredentialsRequest,
  response: alterUserScramCredentialsResponse,
});

export interface AlterUserScramCredentialsRequest extends Infer<typeof alterUserScramCredentialsRequest> {}
export interface AlterUserScramCredentialsResponse extends Infer<typeof alterUserScramCredentialsResponse> {}
