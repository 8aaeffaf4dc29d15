import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Adds ACLs. */
export const createAclsRequest = message(
  { name: "CreateAclsRequest", validVersions: "1-3", flexibleVersions: "2+" },
  {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
);

/** Result for each ACL. */
export const createAclsResponse = message(
  { name: "CreateAclsResponse", validVersions: "1-3", flexibleVersions: "2+" },
  { throttleTimeMs: int32(), results: array({ errorCode: int16(), errorMessage: string({ nullable: "0+" }) }) },
);

export const createAclsApi = apiMessage({
  key: 30,
  name: "CreateAcls",
  request: createAclsRequest,
  response: createAclsResponse,
});

export interface CreateAclsRequest extends Infer<typeof createAclsRequest> {}
export interface CreateAclsResponse extends Infer<typeof createAclsResponse> {}
