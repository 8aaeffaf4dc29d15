import { type CallOptions, KafkaError } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { type OffsetFetchResponse, offsetCommitApi, offsetDeleteApi, offsetFetchApi } from "@ottla/protocol";
import { HEALED_BY_COORDINATOR } from "./groups.ts";
import { checkResources, codeToRetry } from "./partial-failure.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";

/** An offset that a group has committed: the next one it will read. */
export interface GroupOffset extends TopicPartition {
  /** Of the record to be read next. */
  readonly offset: number;
  /** -1 if unknown. */
  readonly leaderEpoch: number;
  /** What the group noted with the offset. */
  readonly metadata: string;
}

/** An offset to commit for a group. */
export interface NewGroupOffset extends TopicPartition {
  /** Of the record to be read next. */
  readonly offset: number;
  /** The leader epoch of the record before it, by which a log that was cut since is noticed. Default: none. */
  readonly leaderEpoch?: number;
  /** Text that is kept beside the offset. Default: none. */
  readonly metadata?: string;
}

/** Topic names are used up to this version, ids from the next one on. */
const LAST_FETCH_VERSION_BY_NAME = 9;
const LAST_COMMIT_VERSION_BY_NAME = 9;
const FIRST_FETCH_VERSION_OF_MANY_GROUPS = 8;
const NO_OFFSET = -1;
const NO_GENERATION = -1;
const BROKERS_RETENTION = -1;

/** Partitions without a commit are left out. */
export async function listGroupOffsets(
  client: ClusterClient,
  groupId: string,
  partitions: readonly TopicPartition[] | undefined,
  options: CallOptions,
): Promise<GroupOffset[]> {
  const topics = partitions
    ? byTopic(partitions).map(({ name, items }) => ({
        name,
        partitionIndexes: items.map(({ partition }) => partition),
      }))
    : null;
  const request = (version: number) =>
    version >= FIRST_FETCH_VERSION_OF_MANY_GROUPS ? { groups: [{ groupId, topics }] } : { groupId, topics };
  const response = await client.ask({ group: groupId }, offsetFetchApi, request, {
    ...options,
    maxVersion: LAST_FETCH_VERSION_BY_NAME,
    errorOf: (answer) => answer.groups[0]?.errorCode ?? answer.errorCode,
  });
  const offsets = fetchedTopics(response).flatMap(({ name, partitions: fetched }) =>
    fetched.map((partition) => ({ topic: name, ...partition })),
  );
  checkResources(
    "listGroupOffsets",
    offsets.map(({ topic, partitionIndex, errorCode }) => ({ resource: `${topic}-${partitionIndex}`, errorCode })),
  );
  return offsets
    .filter(({ committedOffset }) => committedOffset !== NO_OFFSET)
    .map(({ topic, partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => ({
      topic,
      partition: partitionIndex,
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata: metadata ?? "",
    }));
}

function fetchedTopics(response: OffsetFetchResponse): OffsetFetchResponse["topics"] {
  return response.groups[0]?.topics ?? response.topics;
}

/** @throws KafkaError UNKNOWN_MEMBER_ID when the group has members */
export async function alterGroupOffsets(
  client: ClusterClient,
  groupId: string,
  offsets: readonly NewGroupOffset[],
  options: CallOptions,
): Promise<void> {
  const request = {
    groupId,
    generationIdOrMemberEpoch: NO_GENERATION,
    memberId: "",
    retentionTimeMs: BROKERS_RETENTION,
    topics: byTopic(offsets).map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition, offset, leaderEpoch = -1, metadata = "" }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
    })),
  };
  const { topics } = await client.ask({ group: groupId }, offsetCommitApi, request, {
    ...options,
    maxVersion: LAST_COMMIT_VERSION_BY_NAME,
    errorOf: (answer) =>
      codeToRetry(
        answer.topics.flatMap(({ partitions }) => partitions),
        HEALED_BY_COORDINATOR,
      ),
  });
  checkPartitions("alterGroupOffsets", topics);
}

/** @throws KafkaError GROUP_SUBSCRIBED_TO_TOPIC for topics that members of the group read */
export async function deleteGroupOffsets(
  client: ClusterClient,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: CallOptions,
): Promise<void> {
  const request = {
    groupId,
    topics: byTopic(partitions).map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition }) => ({ partitionIndex: partition })),
    })),
  };
  const response = await client.ask({ group: groupId }, offsetDeleteApi, request, options);
  if (response.errorCode !== 0) throw KafkaError.fromCode(response.errorCode, groupId);
  checkPartitions("deleteGroupOffsets", response.topics);
}

function checkPartitions(
  operation: string,
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[],
): void {
  const statuses = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => ({
      resource: partitionName({ topic: name, partition: partitionIndex }),
      errorCode,
    })),
  );
  checkResources(operation, statuses);
}
