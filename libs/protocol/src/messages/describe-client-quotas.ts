import { apiMessage } from "../schema/api.ts";
import { array, bool, float64, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the quotas that match a filter. */
export const describeClientQuotasRequest = message(
  { name: "DescribeClientQuotasRequest", validVersions: "0-1", flexibleVersions: "1+" },
  { components: array({ entityType: string(), matchType: int8(), match: string({ nullable: "0+" }) }), strict: bool() },
);

/** Quotas found. */
export const describeClientQuotasResponse = message(
  { name: "DescribeClientQuotasResponse", validVersions: "0-1", flexibleVersions: "1+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullable: "0+" }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullable: "0+" },
    ),
  },
);

export const describeClientQuotasApi = apiMessage({
  key: 48,
  name: "DescribeClientQuotas",
  request: describeClientQuotasRequest,
  response: describeClientQuotasResponse,
});

export interface DescribeClientQuotasRequest extends Infer<typeof describeClientQuotasRequest> {}
export interface DescribeClientQuotasResponse extends Infer<typeof describeClientQuotasResponse> {}
