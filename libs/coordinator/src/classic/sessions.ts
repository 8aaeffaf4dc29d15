import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import { Deadline } from "../shard/deadlines.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";

/** From now on the member, or the one that was given this id, has `timeoutMs` until it is taken for dead. */
export function startSession(
  context: CoordinatorContext,
  step: Step,
  group: ClassicGroup,
  memberId: string,
  timeoutMs: number,
): void {
  let session = group.sessions.get(memberId);
  if (session === undefined) {
    session = new Deadline({ type: "classicSession", groupId: group.groupId, memberId });
    group.sessions.set(memberId, session);
  }
  context.deadlines.schedule(session, step.monotonicMs + timeoutMs);
}

export function endSession(context: CoordinatorContext, group: ClassicGroup, memberId: string): void {
  const session = group.sessions.get(memberId);
  if (session === undefined) return;
  context.deadlines.cancel(session);
  group.sessions.delete(memberId);
}

/** The member has shown that it lives. */
export function keepSessionAlive(context: CoordinatorContext, step: Step, group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId);
  if (member !== undefined) startSession(context, step, group, memberId, member.details.sessionTimeoutMs);
}
