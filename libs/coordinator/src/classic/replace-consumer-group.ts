import type { ConsumerGroup } from "../consumer/consumer-group.ts";
import { appendConsumerGroupTombstones } from "../consumer/consumer-records.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { forgetGroup } from "./delete-group.ts";
import { dismissWaiting } from "./rebalance.ts";
import { endSession } from "./sessions.ts";

/**
 * An empty group of the consumer protocol becomes a classic one. Its offsets stay. If the log does not take that, it is
 * what it was, and whoever has joined meanwhile has to join again.
 */
export function replaceConsumerGroup(context: CoordinatorContext, step: Step, replaced: ConsumerGroup): ClassicGroup {
  appendConsumerGroupTombstones(step, replaced);
  const group = context.groups.create(replaced.groupId, step.wallMs);
  // Its tombstones are there, and offsets may be.
  group.isInLog = true;
  step.whenCommitted({
    committed: () => {},
    failed: (later, errorCode) => {
      // The rollback has put the replaced one back, if it has taken place: a late commit is no refusal.
      if (context.groups.get(replaced.groupId) !== replaced) return;
      dismissWaiting(later, group, errorCode);
      for (const memberId of [...group.sessions.keys()]) endSession(context, group, memberId);
      forgetGroup(context, group);
    },
  });
  return group;
}
