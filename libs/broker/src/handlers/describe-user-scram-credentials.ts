import { describeUserScramCredentialsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";

/**
 * DescribeUserScramCredentials: there are none, as nobody authenticates. Served because `kafka-configs` asks for them
 * whenever it describes the quotas of users.
 */
export const describeUserScramCredentialsHandler = () =>
  apiHandler(describeUserScramCredentialsApi, { minVersion: 0, maxVersion: 0 }, ({ users }) => {
    const names = (users ?? []).map(({ name }) => name);
    const results = [...new Set(names)].map((user) => ({ user, ...outcomeOf(user, names), credentialInfos: [] }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results };
  });

function outcomeOf(user: string, names: readonly string[]) {
  if (names.filter((name) => name === user).length > 1) {
    const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
    return { errorCode: ErrorCode.DUPLICATE_RESOURCE, errorMessage };
  }
  const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`;
  return { errorCode: ErrorCode.RESOURCE_NOT_FOUND, errorMessage };
}
