import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks which SCRAM credentials users have. */
export const describeUserScramCredentialsRequest = message(
  { name: "DescribeUserScramCredentialsRequest", validVersions: "0", flexibleVersions: "0+" },
  { users: array({ name: string() }, { nullable: "0+" }) },
);

/** Mechanisms and iterations; never the secrets. */
export const describeUserScramCredentialsResponse = message(
  { name: "DescribeUserScramCredentialsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
);

export const describeUserScramCredentialsApi = apiMessage({
  key: 50,
  name: "DescribeUserScramCredentials",
  request: describeUserScramCredentialsRequest,
  response: describeUserScramCredentialsResponse,
});

export interface DescribeUserScramCredentialsRequest extends Infer<typeof describeUserScramCredentialsRequest> {}
export interface DescribeUserScramCredentialsResponse extends Infer<typeof describeUserScramCredentialsResponse> {}
