import { type ConsumerGroupHeartbeatRequest, ErrorCode } from "@ottla/protocol";
import type { GroupConfig } from "../group-config.ts";
import { JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH } from "./consumer-member.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { regexProblem } from "./regex.ts";

/** From this version on a client makes its member id itself. */
const OWN_MEMBER_ID_VERSION = 1;

/** What is wrong with the request by itself, whatever the group is like. */
export function checkHeartbeat(
  config: GroupConfig,
  request: ConsumerGroupHeartbeatRequest,
  apiVersion: number,
): Refusal | null {
  const problem = checkIdentity(request, apiVersion) ?? checkEpoch(request);
  if (problem !== null) return refusal(ErrorCode.INVALID_REQUEST, problem);
  return checkAssignor(config, request) ?? checkRegex(request);
}

function checkIdentity(request: ConsumerGroupHeartbeatRequest, apiVersion: number): string | null {
  const { memberId, memberEpoch, groupId, instanceId, rackId } = request;
  const mustHaveId = apiVersion >= OWN_MEMBER_ID_VERSION || memberEpoch > JOIN_EPOCH || memberEpoch === LEAVE_EPOCH;
  if (mustHaveId && memberId.trim() === "") return "MemberId can't be empty.";
  if (groupId.trim() === "") return "GroupId can't be empty.";
  if (instanceId?.trim() === "") return "InstanceId can't be empty.";
  return rackId?.trim() === "" ? "RackId can't be empty." : null;
}

function checkEpoch(request: ConsumerGroupHeartbeatRequest): string | null {
  const { memberEpoch, instanceId } = request;
  if (memberEpoch < LEAVE_STATIC_EPOCH) return "MemberEpoch is invalid.";
  if (memberEpoch === LEAVE_STATIC_EPOCH && instanceId === null) return "InstanceId can't be null.";
  return memberEpoch === JOIN_EPOCH ? checkJoin(request) : null;
}

function checkJoin(request: ConsumerGroupHeartbeatRequest): string | null {
  const { rebalanceTimeoutMs, topicPartitions, subscribedTopicNames, subscribedTopicRegex } = request;
  if (rebalanceTimeoutMs === -1) return "RebalanceTimeoutMs must be provided in first request.";
  if (topicPartitions === null || topicPartitions.length > 0) {
    return "TopicPartitions must be empty when (re-)joining.";
  }
  if (subscribedTopicNames !== null || subscribedTopicRegex !== null) return null;
  return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
}

function checkAssignor(config: GroupConfig, { serverAssignor }: ConsumerGroupHeartbeatRequest): Refusal | null {
  const offered = config.groupConsumerAssignors;
  if (serverAssignor === null || offered.includes(serverAssignor)) return null;
  return refusal(
    ErrorCode.UNSUPPORTED_ASSIGNOR,
    `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${offered.join(", ")}.`,
  );
}

function checkRegex({ subscribedTopicRegex }: ConsumerGroupHeartbeatRequest): Refusal | null {
  if (subscribedTopicRegex === null || subscribedTopicRegex === "") return null;
  const problem = regexProblem(subscribedTopicRegex);
  if (problem === null) return null;
  return refusal(
    ErrorCode.INVALID_REGULAR_EXPRESSION,
    `SubscribedTopicRegex \`${subscribedTopicRegex}\` is not a valid regular expression: ${problem}.`,
  );
}
