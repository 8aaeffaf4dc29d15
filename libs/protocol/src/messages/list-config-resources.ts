import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks which resources have configs; v0 lists client metrics only. */
export const listConfigResourcesRequest = message(
  { name: "ListConfigResourcesRequest", validVersions: "0-1", flexibleVersions: "0+" },
  { resourceTypes: array(int8(), { versions: "1+" }) },
);

/** Resources found. */
export const listConfigResourcesResponse = message(
  { name: "ListConfigResourcesResponse", validVersions: "0-1", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ versions: "1+", ignorable: true, default: 16 }),
    }),
  },
);

export const listConfigResourcesApi = apiMessage({
  key: 74,
  name: "ListConfigResources",
  request: listConfigResourcesRequest,
  response: listConfigResourcesResponse,
});

export interface ListConfigResourcesRequest extends Infer<typeof listConfigResourcesRequest> {}
export interface ListConfigResourcesResponse extends Infer<typeof listConfigResourcesResponse> {}
