import type { Uuid } from "@ottla/protocol";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { type AssignorMember, NO_PARTITIONS, samePartitions } from "./assignors/assignor.ts";
import { assignors } from "./assignors/index.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, subscriptionKey } from "./consumer-member.ts";
import { appendTarget, appendTargetEpoch } from "./consumer-records.ts";

/**
 * Makes the target assignment for the group's epoch, if there is none yet. While a target is younger than the assignment
 * interval the next one waits: many members that come at once share one.
 */
export function updateTarget(context: CoordinatorContext, step: Step, group: ConsumerGroup): void {
  if (group.groupEpoch <= group.targetEpoch) return;
  const ageMs = step.wallMs - group.targetTimestampMs;
  const intervalMs = context.config.groupConsumerAssignmentIntervalMs(group.groupId);
  if (group.targetEpoch > 0 && ageMs >= 0 && ageMs < intervalMs) return;
  assign(context, step, group);
}

function assign(context: CoordinatorContext, step: Step, group: ConsumerGroup): void {
  const { groupId } = group;
  const assignor = assignors.get(assignorName(context, group))!;
  const subscriptions = new SubscribedTopics(context, group);
  const members = [...group.members.values()].map(
    (member): AssignorMember => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      subscribedTopicIds: subscriptions.topicIdsOf(member),
      current: group.targetOf(member.memberId),
    }),
  );
  const { partitionCounts } = subscriptions;
  const assigned = assignor({ members, partitionCounts, isHomogeneous: group.isHomogeneous });
  for (const { memberId, current } of members) {
    const target = assigned.get(memberId) ?? NO_PARTITIONS;
    if (!samePartitions(target, current)) appendTarget(step, groupId, memberId, target);
  }
  appendTargetEpoch(step, groupId, group.groupEpoch);
}

/** The assignor that most members ask for; without a wish of theirs, the first that the broker offers. */
export function assignorName({ config }: CoordinatorContext, group: ConsumerGroup): string {
  const votes = new Map<string, number>();
  for (const { serverAssignor } of group.members.values()) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
  }
  const offered = config.groupConsumerAssignors;
  return offered.reduce((best, name) => ((votes.get(name) ?? 0) > (votes.get(best) ?? 0) ? name : best));
}

/** Which topics each member reads, looked up once for all that subscribe alike. */
class SubscribedTopics {
  readonly partitionCounts = new Map<Uuid, number>();
  private readonly context: CoordinatorContext;
  private readonly group: ConsumerGroup;
  private readonly bySubscription = new Map<string, ReadonlySet<Uuid>>();

  constructor(context: CoordinatorContext, group: ConsumerGroup) {
    this.context = context;
    this.group = group;
  }

  topicIdsOf(member: ConsumerMember): ReadonlySet<Uuid> {
    const key = subscriptionKey(member);
    const known = this.bySubscription.get(key);
    if (known !== undefined) return known;
    const names = [...member.subscribedTopicNames, ...this.group.matchesOf(member.subscribedTopicRegex)];
    const ids = new Set<Uuid>();
    for (const name of names) {
      const topic = this.context.topics.byName(name);
      if (topic === undefined) continue;
      ids.add(topic.topicId);
      this.partitionCounts.set(topic.topicId, topic.partitionCount);
    }
    this.bySubscription.set(key, ids);
    return ids;
  }
}
