import { apiMessage } from "../schema/api.ts";
import { array, bool, float64, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Sets or removes quotas. */
export const alterClientQuotasRequest = message(
  { name: "AlterClientQuotasRequest", validVersions: "0-1", flexibleVersions: "1+" },
  {
    entries: array({
      entity: array({ entityType: string(), entityName: string({ nullable: "0+" }) }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
);

/** Result for each entity. */
export const alterClientQuotasResponse = message(
  { name: "AlterClientQuotasResponse", validVersions: "0-1", flexibleVersions: "1+" },
  {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      entity: array({ entityType: string(), entityName: string({ nullable: "0+" }) }),
    }),
  },
);

export const alterClientQuotasApi = apiMessage({
  key: 49,
  name: "AlterClientQuotas",
  request: alterClientQuotasRequest,
  response: alterClientQuotasResponse,
});

export interface AlterClientQuotasRequest extends Infer<typeof alterClientQuotasRequest> {}
export interface AlterClientQuotasResponse extends Infer<typeof alterClientQuotasResponse> {}
