import { refuse } from "@ottla/metadata";
import { describeAclsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";

/** DescribeAcls: there is no authorizer, and that is the answer. MirrorMaker asks and goes on without. */
export const describeAclsHandler = () =>
  apiHandler(
    describeAclsApi,
    {
      minVersion: 1,
      maxVersion: 3,
      errorResponse: (_, { errno, message }) => ({
        throttleTimeMs: 0,
        errorCode: errno,
        errorMessage: message,
        resources: [],
      }),
    },
    () => {
      throw refuse(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured on the broker");
    },
  );
