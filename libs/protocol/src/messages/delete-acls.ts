import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Deletes the ACLs that match filters. */
export const deleteAclsRequest = message(
  { name: "DeleteAclsRequest", validVersions: "1-3", flexibleVersions: "2+" },
  {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: "0+" }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullable: "0+" }),
      hostFilter: string({ nullable: "0+" }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
);

/** The ACLs deleted. */
export const deleteAclsResponse = message(
  { name: "DeleteAclsResponse", validVersions: "1-3", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
);

export const deleteAclsApi = apiMessage({
  key: 31,
  name: "DeleteAcls",
  request: deleteAclsRequest,
  response: deleteAclsResponse,
});

export interface DeleteAclsRequest extends Infer<typeof deleteAclsRequest> {}
export interface DeleteAclsResponse extends Infer<typeof deleteAclsResponse> {}
