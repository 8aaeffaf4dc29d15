import type { ConsumerGroupRecord } from "../records/consumer-group-record.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Journal } from "../shard/journal.ts";
import type { Step } from "../shard/step.ts";
import type { Partitions } from "./assignors/assignor.ts";
import { ConsumerGroup, type ResolvedRegex } from "./consumer-group.ts";
import {
  INITIAL_PROGRESS,
  LEAVE_EPOCH,
  type MemberMetadata,
  type MemberProgress,
  memberMetadataOf,
  memberMetadataValue,
  memberProgressOf,
  memberProgressValue,
  vacantMember,
} from "./consumer-member.ts";

export function appendGroupEpoch(step: Step, groupId: string, epoch: number, metadataHash: bigint): void {
  step.append({ type: "consumerGroup", key: { groupId }, value: { epoch, metadataHash } });
}

export function appendMember(step: Step, groupId: string, memberId: string, metadata: MemberMetadata): void {
  step.append({ type: "consumerMember", key: { groupId, memberId }, value: memberMetadataValue(metadata) });
}

export function appendProgress(step: Step, groupId: string, memberId: string, progress: MemberProgress): void {
  step.append({ type: "consumerProgress", key: { groupId, memberId }, value: memberProgressValue(progress) });
}

export function appendTarget(step: Step, groupId: string, memberId: string, target: Partitions): void {
  const topicPartitions = [...target].map(([topicId, partitions]) => ({ topicId, partitions }));
  step.append({ type: "consumerTarget", key: { groupId, memberId }, value: { topicPartitions } });
}

export function appendTargetEpoch(step: Step, groupId: string, assignmentEpoch: number): void {
  const value = { assignmentEpoch, assignmentTimestamp: step.wallMs };
  step.append({ type: "consumerTargetEpoch", key: { groupId }, value });
}

export function appendRegex(step: Step, groupId: string, regularExpression: string, resolved: ResolvedRegex): void {
  const { topics, version, timestampMs } = resolved;
  const value = { topics: [...topics].sort(), version, timestamp: timestampMs };
  step.append({ type: "consumerRegex", key: { groupId, regularExpression }, value });
}

export function appendRegexTombstone(step: Step, groupId: string, regularExpression: string): void {
  step.append({ type: "consumerRegex", key: { groupId, regularExpression }, value: null });
}

/** In Kafka's order: what depends on the member goes first. */
export function appendMemberTombstones(step: Step, groupId: string, memberId: string): void {
  const key = { groupId, memberId };
  step.append({ type: "consumerProgress", key, value: null });
  step.append({ type: "consumerTarget", key, value: null });
  step.append({ type: "consumerMember", key, value: null });
}

/** Everything that the log has of a group which has no members. */
export function appendConsumerGroupTombstones(step: Step, group: ConsumerGroup): void {
  const { groupId } = group;
  for (const memberId of [...group.targetMemberIds]) {
    step.append({ type: "consumerTarget", key: { groupId, memberId }, value: null });
  }
  for (const regex of [...group.resolvedRegexes.keys()]) appendRegexTombstone(step, groupId, regex);
  step.append({ type: "consumerTargetEpoch", key: { groupId }, value: null });
  step.append({ type: "consumerGroup", key: { groupId }, value: null });
}

/** Takes a record in, from the log or as it is appended. Logs that were compacted may lack any of those before it. */
export function replayConsumerRecord(context: CoordinatorContext, journal: Journal, record: ConsumerGroupRecord): void {
  if (record.value === null) {
    const group = context.groups.consumer(record.key.groupId);
    if (group !== undefined) replayTombstone(context, journal, group, record);
    return;
  }
  const group = getOrCreate(context, journal, record.key.groupId);
  switch (record.type) {
    case "consumerGroup":
      group.setEpoch(record.value.epoch, record.value.metadataHash);
      break;
    case "consumerMember":
      group.setMember(record.key.memberId, {
        ...(group.members.get(record.key.memberId) ?? vacantMember(record.key.memberId)),
        ...memberMetadataOf(record.value),
      });
      break;
    case "consumerProgress":
      group.setMember(record.key.memberId, {
        ...(group.members.get(record.key.memberId) ?? vacantMember(record.key.memberId)),
        ...memberProgressOf(record.value),
      });
      break;
    case "consumerTarget":
      group.setTarget(
        record.key.memberId,
        new Map(record.value.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions])),
      );
      break;
    case "consumerTargetEpoch":
      group.setTargetEpoch(record.value.assignmentEpoch, record.value.assignmentTimestamp);
      break;
    case "consumerRegex": {
      const { topics, version, timestamp } = record.value;
      group.setRegex(record.key.regularExpression, { topics: new Set(topics), version, timestampMs: timestamp });
    }
  }
}

function replayTombstone(
  context: CoordinatorContext,
  journal: Journal,
  group: ConsumerGroup,
  record: ConsumerGroupRecord,
): void {
  switch (record.type) {
    case "consumerGroup":
      context.groups.remove(group.groupId);
      journal.record(() => context.groups.put(group));
      break;
    case "consumerMember":
      if (group.members.has(record.key.memberId)) group.setMember(record.key.memberId, undefined);
      break;
    case "consumerProgress": {
      const member = group.members.get(record.key.memberId);
      if (member !== undefined)
        group.setMember(member.memberId, { ...member, ...INITIAL_PROGRESS, epoch: LEAVE_EPOCH });
      break;
    }
    case "consumerTarget":
      group.setTarget(record.key.memberId, undefined);
      break;
    case "consumerTargetEpoch":
      group.setTargetEpoch(0, 0);
      break;
    case "consumerRegex":
      group.setRegex(record.key.regularExpression, undefined);
  }
}

/** An empty classic group gives way. */
function getOrCreate(context: CoordinatorContext, journal: Journal, groupId: string): ConsumerGroup {
  const { groups } = context;
  const existing = groups.get(groupId);
  if (existing?.type === "consumer") return existing;
  const created = new ConsumerGroup(groupId, journal);
  groups.put(created);
  journal.record(() => {
    if (existing === undefined) groups.remove(groupId);
    else groups.put(existing);
  });
  return created;
}
