import { ErrorCode } from "@ottla/protocol";
import type { GroupRequest } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { checkGeneration } from "./classic-validation.ts";
import { keepSessionAlive } from "./sessions.ts";

type Heartbeat = Extract<GroupRequest, { type: "heartbeat" }>;

/** Heartbeat: keeps a member's session alive, and tells it when it has to join again. */
export function heartbeat(context: CoordinatorContext, step: Step, { request, ticket }: Heartbeat): void {
  step.reply(ticket, { errorCode: answerHeartbeat(context, step, request) });
}

function answerHeartbeat(context: CoordinatorContext, step: Step, request: Heartbeat["request"]): number {
  if (request.groupId === "") return ErrorCode.INVALID_GROUP_ID;
  const group = context.groups.classic(request.groupId);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  const errorCode = checkGeneration(group, request, request.generationId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  keepSessionAlive(context, step, group, request.memberId);
  return group.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
