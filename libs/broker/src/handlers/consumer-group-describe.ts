import { type DescribedConsumerGroup, describeConsumerGroupError } from "@ottla/coordinator/internal";
import { type ConsumerGroupDescribeRequest, consumerGroupDescribeApi, ErrorCode } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { isConsumerProtocolOn } from "../groups/consumer-protocol.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import { GROUP_OPERATIONS } from "../services/authorized-operations.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** ConsumerGroupDescribe (KIP-848): groups of the consumer protocol that are coordinated here. */
export const consumerGroupDescribeHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    consumerGroupDescribeApi,
    { minVersion: 0, maxVersion: 1, errorResponse: (request, { errno }) => allFailed(request, errno) },
    (request) => {
      if (!isConsumerProtocolOn(broker)) return allFailed(request, ErrorCode.UNSUPPORTED_VERSION);
      return later(describeAll(groups, request));
    },
  );

function allFailed({ groupIds }: ConsumerGroupDescribeRequest, errorCode: number) {
  return { throttleTimeMs: 0, groups: groupIds.map((groupId) => describeConsumerGroupError(groupId, errorCode)) };
}

async function describeAll(
  groups: GroupCoordinator,
  { groupIds, includeAuthorizedOperations }: ConsumerGroupDescribeRequest,
) {
  const described = await Promise.all(groupIds.map((groupId) => describeOne(groups, groupId)));
  if (!includeAuthorizedOperations) return { throttleTimeMs: 0, groups: described };
  const withOperations = described.map((group) => ({ ...group, authorizedOperations: GROUP_OPERATIONS }));
  return { throttleTimeMs: 0, groups: withOperations };
}

async function describeOne(groups: GroupCoordinator, groupId: string): Promise<DescribedConsumerGroup> {
  if (groupId === "") return describeConsumerGroupError(groupId, ErrorCode.INVALID_GROUP_ID);
  const described = await groups.ask<readonly DescribedConsumerGroup[]>(
    groupId,
    (ticket) => ({ type: "describeConsumerGroups", groupIds: [groupId], ticket }),
    (errorCode) => [describeConsumerGroupError(groupId, errorCode)],
  );
  return described[0]!;
}
