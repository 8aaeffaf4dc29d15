import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for configs of topics, brokers and other resources. */
export const describeConfigsRequest = message(
  { name: "DescribeConfigsRequest", validVersions: "1-4", flexibleVersions: "4+" },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: "0+" }),
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ versions: "3+", default: false }),
  },
);

/** Config entries with where each value comes from. */
export const describeConfigsResponse = message(
  { name: "DescribeConfigsResponse", validVersions: "1-4", flexibleVersions: "4+" },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: "0+" }),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: string({ nullable: "0+" }), source: int8() }),
        configType: int8({ versions: "3+", ignorable: true, default: 0 }),
        documentation: string({ versions: "3+", nullable: "0+", ignorable: true }),
      }),
    }),
  },
);

export const describeConfigsApi = apiMessage({
  key: 32,
  name: "DescribeConfigs",
  request: describeConfigsRequest,
  response: describeConfigsResponse,
});

export interface DescribeConfigsRequest extends Infer<typeof describeConfigsRequest> {}
export interface DescribeConfigsResponse extends Infer<typeof describeConfigsResponse> {}
