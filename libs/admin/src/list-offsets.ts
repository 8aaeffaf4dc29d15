import { type CallOptions, KafkaError } from "@ottla/client";
import { type ClusterClient, type Deadline, isRetriable, isStaleMetadata } from "@ottla/client/internal";
import { ErrorCode, listOffsetsApi } from "@ottla/protocol";
import { checkResources } from "./partial-failure.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";

/**
 * Which offset: the first one, the one after the last one, that of the record with the highest timestamp (Kafka 3.0
 * and later), or the first one at or after a time.
 */
export type OffsetSpec = "earliest" | "latest" | "maxTimestamp" | { readonly timestampMs: number };

export interface OffsetQuery extends TopicPartition {
  readonly spec: OffsetSpec;
}

export interface FoundOffset extends TopicPartition {
  /** -1 when no record fits: an empty partition, or none at or after the time. */
  readonly offset: number;
  /** The record's timestamp for `maxTimestamp` and times; else -1. */
  readonly timestampMs: number;
  /** -1 if unknown. */
  readonly leaderEpoch: number;
}

export interface ListOffsetsOptions extends CallOptions {
  /** `"read_committed"`: `latest` is the last stable offset. Default `"read_uncommitted"`. */
  readonly isolationLevel?: "read_uncommitted" | "read_committed";
}

const TIMESTAMPS = { latest: -1, earliest: -2, maxTimestamp: -3 } as const;
const NORMAL_CONSUMER = -1;

interface Answer extends FoundOffset {
  readonly errorCode: number;
}

/** Asks the leaders, again where leadership has moved meanwhile. Gives the offsets in the order of the queries. */
export async function listOffsets(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  { isolationLevel = "read_uncommitted", ...call }: ListOffsetsOptions,
): Promise<FoundOffset[]> {
  const deadline = client.deadline("listOffsets", call);
  const answers = new Map<string, Answer>();
  client.metadata.track(queries.map(({ topic }) => topic));
  await client.metadata.refresh(deadline);
  for (let attempt = 1; ; attempt++) {
    const open = queries.filter((query) => isOpen(answers.get(partitionName(query))));
    if (open.length === 0) break;
    if (attempt > 1) await beforeRetry(client, deadline, attempt, answers);
    for (const answer of await askLeaders(client, open, isolationLevel, deadline)) {
      answers.set(partitionName(answer), answer);
    }
  }
  const found = queries.map((query) => answers.get(partitionName(query))!);
  checkResources(
    "listOffsets",
    found.map((answer) => ({ resource: partitionName(answer), errorCode: answer.errorCode })),
  );
  return found.map(({ topic, partition, offset, timestampMs, leaderEpoch }) => {
    return { topic, partition, offset, timestampMs, leaderEpoch };
  });
}

/** Not asked yet, or by a leader that is none any more. A topic that does not exist is an answer. */
function isOpen(answer: Answer | undefined): boolean {
  if (answer === undefined) return true;
  return answer.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && isStaleMetadata(answer.errorCode);
}

async function beforeRetry(
  client: ClusterClient,
  deadline: Deadline,
  attempt: number,
  answers: ReadonlyMap<string, Answer>,
): Promise<void> {
  const last = [...answers.values()].find((answer) => isOpen(answer));
  if (last !== undefined) deadline.lastFailure = KafkaError.fromCode(last.errorCode, partitionName(last));
  await deadline.sleep(client.retryBackoffMs(attempt - 1));
  await client.metadata.refresh(deadline);
}

async function askLeaders(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  isolationLevel: "read_uncommitted" | "read_committed",
  deadline: Deadline,
): Promise<Answer[]> {
  const byLeader = new Map<number, OffsetQuery[]>();
  const answers: Answer[] = [];
  for (const query of queries) {
    const partition = client.metadata.view.topics.get(query.topic)?.partitions[query.partition];
    if (partition === undefined) answers.push(failed(query, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
    else if (partition.leader < 0) answers.push(failed(query, ErrorCode.LEADER_NOT_AVAILABLE));
    else byLeader.set(partition.leader, [...(byLeader.get(partition.leader) ?? []), query]);
  }
  const asked = [...byLeader].map(async ([broker, ofLeader]) => {
    try {
      return await askLeader(client, broker, ofLeader, isolationLevel, deadline);
    } catch (error) {
      if (!isRetriable(error) || deadline.isOver) throw error;
      return ofLeader.map((query) => failed(query, ErrorCode.NOT_LEADER_OR_FOLLOWER));
    }
  });
  return [...answers, ...(await Promise.all(asked)).flat()];
}

async function askLeader(
  client: ClusterClient,
  broker: number,
  queries: readonly OffsetQuery[],
  isolationLevel: "read_uncommitted" | "read_committed",
  deadline: Deadline,
): Promise<Answer[]> {
  const request = {
    replicaId: NORMAL_CONSUMER,
    isolationLevel: isolationLevel === "read_committed" ? 1 : 0,
    topics: byTopic(queries).map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition, spec }) => ({ partitionIndex: partition, timestamp: timestampOf(spec) })),
    })),
  };
  const { topics } = await client.ask({ broker }, listOffsetsApi, request, {
    signal: deadline.signal,
    timeoutMs: deadline.remainingMs,
    retry: false,
  });
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, offset, timestamp, leaderEpoch }) => {
      return { topic: name, partition: partitionIndex, errorCode, offset, timestampMs: timestamp, leaderEpoch };
    }),
  );
}

function timestampOf(spec: OffsetSpec): number {
  return typeof spec === "string" ? TIMESTAMPS[spec] : spec.timestampMs;
}

function failed({ topic, partition }: TopicPartition, errorCode: number): Answer {
  return { topic, partition, errorCode, offset: -1, timestampMs: -1, leaderEpoch: -1 };
}
