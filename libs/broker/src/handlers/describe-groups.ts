import { type DescribedGroup, describeGroupError } from "@ottla/coordinator/internal";
import { type DescribeGroupsRequest, describeGroupsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler, later, type RequestContext } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import { GROUP_OPERATIONS } from "../services/authorized-operations.ts";

/** DescribeGroups: classic groups that are coordinated here. */
export const describeGroupsHandler = (groups: GroupCoordinator) =>
  apiHandler(
    describeGroupsApi,
    {
      minVersion: 0,
      maxVersion: 6,
      errorResponse: (request, { errno }) => ({
        groups: request.groups.map((groupId) => describeGroupError(groupId, errno)),
      }),
    },
    (request, context) => later(describeAll(groups, request, context)),
  );

async function describeAll(
  groups: GroupCoordinator,
  { groups: groupIds, includeAuthorizedOperations }: DescribeGroupsRequest,
  { apiVersion }: RequestContext,
) {
  const described = await Promise.all(groupIds.map((groupId) => describeOne(groups, groupId, apiVersion)));
  if (!includeAuthorizedOperations) return { groups: described };
  const groupsFound = described.map((group) =>
    group.errorCode === ErrorCode.NONE ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group,
  );
  return { groups: groupsFound };
}

async function describeOne(groups: GroupCoordinator, groupId: string, apiVersion: number): Promise<DescribedGroup> {
  const described = await groups.ask<readonly DescribedGroup[]>(
    groupId,
    (ticket) => ({ type: "describeGroups", groupIds: [groupId], apiVersion, ticket }),
    (errorCode) => [describeGroupError(groupId, errorCode)],
  );
  return described[0]!;
}
