import { onSessionDeadline } from "../classic/classic-deadlines.ts";
import { clientGone } from "../classic/client-gone.ts";
import { deleteGroups } from "../classic/delete-group.ts";
import { describeGroups, listGroups } from "../classic/describe-groups.ts";
import { heartbeat } from "../classic/heartbeat.ts";
import { joinGroup } from "../classic/join-group.ts";
import { leaveGroup } from "../classic/leave-group.ts";
import { onJoinDeadline, onSyncDeadline } from "../classic/rebalance.ts";
import { syncGroup } from "../classic/sync-group.ts";
import { consumerHeartbeat } from "../consumer/consumer-heartbeat.ts";

import { describeConsumerGroups } from "../consumer/describe-consumer-groups.ts";
import { onSessionDeadline as onConsumerSessionDeadline, onRebalanceDeadline } from "../consumer/overdue.ts";
import type { GroupRequest } from "../group-requests.ts";
import { commitOffsets } from "../offsets/offset-commit.ts";
import { deleteOffsets, deleteOffsetsOfTopics } from "../offsets/offset-delete.ts";
import { fetchOffsets } from "../offsets/offset-fetch.ts";
import { commitTransactionalOffsets, endOffsetsTransaction } from "../offsets/txn-offset-commit.ts";
import type { CoordinatorContext } from "./coordinator-context.ts";
import type { DeadlineSubject } from "./deadline-subject.ts";
import type { Step } from "./step.ts";

type Handlers = {
  readonly [Type in GroupRequest["type"]]: (
    context: CoordinatorContext,
    step: Step,
    request: Extract<GroupRequest, { type: Type }>,
  ) => void;
};

const handlers: Handlers = {
  joinGroup,
  consumerHeartbeat,
  describeConsumerGroups,
  syncGroup,
  heartbeat,
  leaveGroup,
  offsetCommit: commitOffsets,
  txnOffsetCommit: commitTransactionalOffsets,
  endTransaction: endOffsetsTransaction,
  offsetFetch: fetchOffsets,
  offsetDelete: deleteOffsets,
  deleteGroups,
  listGroups,
  describeGroups,
  clientGone,
  topicsDeleted: deleteOffsetsOfTopics,
};

/** Hands a request to the one who knows what to do about it. */
export function dispatch<R extends GroupRequest>(context: CoordinatorContext, step: Step, request: R): void {
  const handler = handlers[request.type] as (context: CoordinatorContext, step: Step, request: R) => void;
  handler(context, step, request);
}

/** A deadline of a group: its subject names one that may be gone by now. */
export function onGroupDeadline(
  context: CoordinatorContext,
  step: Step,
  subject: Extract<DeadlineSubject, { groupId: string }>,
): void {
  const group = context.groups.get(subject.groupId);
  if (group === undefined) return;
  if (group.type === "consumer") {
    if (subject.type === "consumerSession") onConsumerSessionDeadline(context, step, group, subject.memberId);
    else if (subject.type === "consumerRebalance") {
      onRebalanceDeadline(context, step, group, subject.memberId, subject.memberEpoch);
    }
    return;
  }
  if (subject.type === "classicJoin") onJoinDeadline(context, step, group);
  else if (subject.type === "classicSync") onSyncDeadline(context, step, group);
  else if (subject.type === "classicSession") onSessionDeadline(context, step, group, subject.memberId);
}
