import { ErrorCode } from "@ottla/protocol";
import type { DeletedTopic, GroupRequest, OffsetDeleteAnswer } from "../group-requests.ts";
import type { Group } from "../groups.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { offsetTombstone } from "./offset-records.ts";
import { isOtherTopic } from "./offset-table.ts";

type OffsetDelete = Extract<GroupRequest, { type: "offsetDelete" }>;

/** OffsetDelete: takes away a group's offsets of topics that it does not read at present. */
export function deleteOffsets(context: CoordinatorContext, step: Step, { request, ticket }: OffsetDelete): void {
  const group = context.groups.get(request.groupId);
  const refusal = refuseOffsetDelete(request.groupId, group);
  if (group === undefined || refusal !== ErrorCode.NONE) {
    step.reply(ticket, offsetDeleteError(refusal));
    return;
  }
  const topics = request.topics.map((topic) => {
    const isRead = !group.isEmpty && group.isSubscribedTo(topic.name);
    return {
      name: topic.name,
      partitions: topic.partitions.map(({ partitionIndex }) => {
        if (!isRead) deleteOffset(context, step, request.groupId, topic.name, partitionIndex);
        return { partitionIndex, errorCode: isRead ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE };
      }),
    };
  });
  const answer = { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics };
  step.replyAfterOwnRecords(ticket, answer, offsetDeleteError);
}

function refuseOffsetDelete(groupId: string, group: Group | undefined): number {
  if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
  if (group === undefined || group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  // Nothing is known of what the members of other kinds of groups read.
  return group.isEmpty || group.type === "consumer" || group.isConsumerGroup
    ? ErrorCode.NONE
    : ErrorCode.NON_EMPTY_GROUP;
}

/** The answer that refuses the whole request. */
export function offsetDeleteError(errorCode: number): OffsetDeleteAnswer {
  return { errorCode, throttleTimeMs: 0, topics: [] };
}

function deleteOffset(
  { offsets }: CoordinatorContext,
  step: Step,
  groupId: string,
  topic: string,
  partition: number,
): void {
  const isPending = offsets.pendingTables(groupId).some((table) => table.get(groupId, topic, partition) !== undefined);
  if (!isPending && offsets.get(groupId, topic, partition) === undefined) return;
  step.append(offsetTombstone(groupId, topic, partition));
}

/** Takes away every offset of a group, also those that open transactions would commit. */
export function deleteAllOffsets({ offsets }: CoordinatorContext, step: Step, groupId: string): void {
  for (const [topic, partitions] of offsets.allOf(groupId)) deletePartitions(step, groupId, topic, partitions.keys());
}

/** Takes away every group's offsets of topics that were deleted. */
export function deleteOffsetsOfTopics(
  { offsets, groups }: CoordinatorContext,
  step: Step,
  { topics }: { readonly topics: readonly DeletedTopic[] },
): void {
  for (const { groupId } of groups.values()) {
    const stored = offsets.allOf(groupId);
    for (const { name, topicId } of topics) {
      const partitions = [...(stored.get(name) ?? [])].filter(([, offset]) => !isOtherTopic(offset.topicId, topicId));
      deletePartitions(
        step,
        groupId,
        name,
        partitions.map(([partition]) => partition),
      );
    }
  }
}

function deletePartitions(step: Step, groupId: string, topic: string, partitions: Iterable<number>): void {
  for (const partition of partitions) step.append(offsetTombstone(groupId, topic, partition));
}
