import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the ACLs that match a filter. */
export const describeAclsRequest = message(
  { name: "DescribeAclsRequest", validVersions: "1-3", flexibleVersions: "2+" },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: "0+" }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: "0+" }),
    hostFilter: string({ nullable: "0+" }),
    operation: int8(),
    permissionType: int8(),
  },
);

/** The ACLs found. */
export const describeAclsResponse = message(
  { name: "DescribeAclsResponse", validVersions: "1-3", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
    }),
  },
);

export const describeAclsApi = apiMessage({
  key: 29,
  name: "DescribeAcls",
  request: describeAclsRequest,
  response: describeAclsResponse,
});

export interface DescribeAclsRequest extends Infer<typeof describeAclsRequest> {}
export interface DescribeAclsResponse extends Infer<typeof describeAclsResponse> {}
