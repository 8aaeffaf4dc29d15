import { ErrorCode, ZERO_UUID } from "@ottla/protocol";
import { checkConsumerFetch } from "../consumer/offset-checks.ts";
import type { GroupRequest, OffsetFetchGroup, OffsetFetchGroupAnswer } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { type CommittedOffset, isOtherTopic, type OffsetTable } from "./offset-table.ts";

type OffsetFetch = Extract<GroupRequest, { type: "offsetFetch" }>;
type FetchTopic = NonNullable<OffsetFetchGroup["topics"]>[number];
type TopicAnswer = OffsetFetchGroupAnswer["topics"][number];
type PartitionAnswer = TopicAnswer["partitions"][number];

const NO_OFFSET = -1;

/** OffsetFetch of one group: the offsets asked for, or all there are. Unknown groups have none. */
export function fetchOffsets(
  context: CoordinatorContext,
  step: Step,
  { request, requireStable, ticket }: OffsetFetch,
): void {
  const refusal = refuseFetch(context, request);
  if (refusal !== ErrorCode.NONE) {
    step.reply(ticket, offsetFetchError(request.groupId, refusal));
    return;
  }
  const unstable = requireStable ? context.offsets.pendingTables(request.groupId) : [];
  const topics = request.topics ?? allTopics(context, request.groupId);
  const answer = {
    groupId: request.groupId,
    topics: topics.map((topic) => fetchTopic(context, request.groupId, topic, unstable)),
  };
  step.tellWhenCommitted(ticket, answer, (errorCode) => offsetFetchError(request.groupId, errorCode));
}

/** Classic members do not say who they are. */
function refuseFetch({ groups }: CoordinatorContext, request: OffsetFetchGroup): number {
  const group = groups.consumer(request.groupId);
  return group === undefined ? ErrorCode.NONE : checkConsumerFetch(group, request);
}

/** The answer that gives a whole group an error. */
export function offsetFetchError(groupId: string, errorCode: number): OffsetFetchGroupAnswer {
  return { groupId, topics: [], errorCode };
}

function allTopics({ offsets }: CoordinatorContext, groupId: string): FetchTopic[] {
  const topics: FetchTopic[] = [];
  for (const [name, partitions] of offsets.topicsOf(groupId)) {
    topics.push({ name, topicId: ZERO_UUID, partitionIndexes: [...partitions.keys()] });
  }
  return topics;
}

function fetchTopic(
  { offsets }: CoordinatorContext,
  groupId: string,
  topic: FetchTopic,
  unstable: readonly OffsetTable[],
): TopicAnswer {
  const partitionAnswer = (partition: number): PartitionAnswer => {
    if (unstable.some((pending) => pending.get(groupId, topic.name, partition) !== undefined)) {
      return { ...describeOffset(partition, undefined), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT };
    }
    const found = offsets.get(groupId, topic.name, partition);
    const isStale = found !== undefined && isOtherTopic(found.topicId, topic.topicId);
    return describeOffset(partition, isStale ? undefined : found);
  };
  const { name, topicId } = topic;
  return { name, topicId, partitions: topic.partitionIndexes.map(partitionAnswer) };
}

function describeOffset(partitionIndex: number, found: CommittedOffset | undefined): PartitionAnswer {
  return {
    partitionIndex,
    committedOffset: found?.offset ?? NO_OFFSET,
    committedLeaderEpoch: found?.leaderEpoch ?? -1,
    metadata: found?.metadata ?? "",
    errorCode: ErrorCode.NONE,
  };
}
