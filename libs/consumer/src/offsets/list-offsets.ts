import { type ClusterClient, type Deadline, isRetriable, isStaleMetadata } from "@ottla/client/internal";
import { ErrorCode, KafkaError, listOffsetsApi } from "@ottla/protocol/client";
import type { IsolationLevel } from "../options.ts";
import { formatPartition, groupByTopic, partitionKey, type TopicPartition } from "../topic-partition.ts";
import type { OffsetAndTimestamp } from "./offset-types.ts";

/** Names the end of a partition: the high watermark, or with `read_committed` the last stable offset. */
export const LATEST_TIMESTAMP = -1;
/** Names the first offset that a partition still holds. */
export const EARLIEST_TIMESTAMP = -2;

/** Which offset of a partition is asked for: the first one at or after a time, or one of the ends. */
export interface OffsetQuery extends TopicPartition {
  /** Milliseconds since the epoch: the first record as young as that is looked for. */
  readonly timestampMs: number;
}

/**
 * Asks the leaders for offsets, and asks again where leaders move, until all have answered. Gives -1 as the offset
 * where no record is as young as the timestamp.
 */
export async function listOffsets(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
  deadline: Deadline,
): Promise<OffsetAndTimestamp[]> {
  const found = new Map<OffsetQuery, OffsetAndTimestamp>();
  let open = queries;
  for (let failures = 0; open.length > 0; open = queries.filter((query) => !found.has(query))) {
    // Each partition once: Kafka refuses a request that asks for one twice.
    const asked = new Map(open.map((query) => [partitionKey(query.topic, query.partition), query]));
    const byLeader = await groupByLeader(client, [...asked.values()], deadline);
    const rounds = [...byLeader].map(([leader, part]) => askLeader(client, leader, part, isolationLevel, deadline));
    const offsets = (await Promise.all(rounds)).flat();
    for (const offset of offsets) found.set(asked.get(partitionKey(offset.topic, offset.partition))!, offset);
    if (offsets.length < asked.size) await deadline.sleep(client.retryBackoffMs(++failures));
  }
  return queries.map((query) => found.get(query)!);
}

/** Partitions without a leader are left out; the metadata is then on its way. */
async function groupByLeader(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  deadline: Deadline,
): Promise<Map<number, OffsetQuery[]>> {
  const byLeader = new Map<number, OffsetQuery[]>();
  for (const query of queries) {
    const topic = await client.metadata.topic(query.topic, deadline);
    const leader = topic.partitions[query.partition]?.leader ?? -1;
    if (leader === -1) {
      deadline.lastFailure = KafkaError.fromCode(ErrorCode.LEADER_NOT_AVAILABLE, formatPartition(query));
      client.metadata.requestRefresh();
    } else byLeader.set(leader, [...(byLeader.get(leader) ?? []), query]);
  }
  return byLeader;
}

/** What one leader knows; partitions that it has a retriable error for are missing. */
async function askLeader(
  client: ClusterClient,
  leader: number,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
  deadline: Deadline,
): Promise<OffsetAndTimestamp[]> {
  const { signal, remainingMs: timeoutMs } = deadline;
  const body = (version: number) => listOffsetsRequest(client, queries, isolationLevel, version);
  try {
    const response = await client.ask({ broker: leader }, listOffsetsApi, body, { retry: false, signal, timeoutMs });
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.flatMap((partition) => readOffset(client, name, partition, deadline)),
    );
  } catch (error) {
    if (!isRetriable(error)) throw error;
    deadline.lastFailure = error;
    return [];
  }
}

function listOffsetsRequest(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
  version: number,
) {
  const topics = [...groupByTopic(queries)].map(([name, group]) => ({
    name,
    partitions: group.map(({ partition, timestampMs }) => ({
      partitionIndex: partition,
      currentLeaderEpoch: client.metadata.view.topics.get(name)?.partitions[partition]?.leaderEpoch ?? -1,
      timestamp: timestampMs,
    })),
  }));
  const isolation = version >= 2 ? { isolationLevel: isolationLevel === "read_committed" ? 1 : 0 } : {};
  return { replicaId: -1, ...isolation, topics };
}

interface PartitionAnswer {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** The one offset, or nothing where it has to be asked for again. */
function readOffset(
  client: ClusterClient,
  topic: string,
  { partitionIndex, errorCode, timestamp, offset, leaderEpoch }: PartitionAnswer,
  deadline: Deadline,
): OffsetAndTimestamp[] {
  const partition = { topic, partition: partitionIndex };
  if (errorCode === ErrorCode.NONE) return [{ ...partition, offset, timestampMs: timestamp, leaderEpoch }];
  const error = KafkaError.fromCode(errorCode, `The offset of ${formatPartition(partition)}`);
  if (!error.retriable) throw error;
  deadline.lastFailure = error;
  if (isStaleMetadata(errorCode)) client.metadata.requestRefresh();
  return [];
}
