import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Replaces all configs of resources; superseded by IncrementalAlterConfigs. */
export const alterConfigsRequest = message(
  { name: "AlterConfigsRequest", validVersions: "0-2", flexibleVersions: "2+" },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: "0+" }) }),
    }),
    validateOnly: bool(),
  },
);

/** Result for each resource. */
export const alterConfigsResponse = message(
  { name: "AlterConfigsResponse", validVersions: "0-2", flexibleVersions: "2+" },
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

export const alterConfigsApi = apiMessage({
  key: 33,
  name: "AlterConfigs",
  request: alterConfigsRequest,
  response: alterConfigsResponse,
});

export interface AlterConfigsRequest extends Infer<typeof alterConfigsRequest> {}
export interface AlterConfigsResponse extends Infer<typeof alterConfigsResponse> {}
