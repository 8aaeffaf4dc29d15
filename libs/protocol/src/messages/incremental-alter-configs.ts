import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Sets, deletes, appends to or subtracts from single configs (KIP-339). */
export const incrementalAlterConfigsRequest = message(
  { name: "IncrementalAlterConfigsRequest", validVersions: "0-1", flexibleVersions: "1+" },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), configOperation: int8(), value: string({ nullable: "0+" }) }),
    }),
    validateOnly: bool(),
  },
);

/** Result for each resource. */
export const incrementalAlterConfigsResponse = message(
  { name: "IncrementalAlterConfigsResponse", validVersions: "0-1", flexibleVersions: "1+" },
  {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
);

export const incrementalAlterConfigsApi = apiMessage({
  key: 44,
  name: "IncrementalAlterConfigs",
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
});

export interface IncrementalAlterConfigsRequest extends Infer<typeof incrementalAlterConfigsRequest> {}
export interface IncrementalAlterConfigsResponse extends Infer<typeof incrementalAlterConfigsResponse> {}
