import type { CallOptions } from "@ottla/client";
import { type ClusterClient, toKafkaError } from "@ottla/client/internal";
import { alterReplicaLogDirsApi, type DescribeLogDirsResponse, describeLogDirsApi, ErrorCode } from "@ottla/protocol";
import { checkResources, type ResourceStatus, resultsOf } from "./partial-failure.ts";
import { type BulkOptions, mapAll } from "./progress.ts";
import { byTopic, type TopicPartition } from "./topic-partitions.ts";

/** Which directories to describe, and what to say of them. */
export interface DescribeLogDirsOptions extends BulkOptions {
  /** Default: all brokers. */
  readonly brokers?: readonly number[];
  /** Default: all partitions. */
  readonly partitions?: readonly TopicPartition[];
}

/** A directory in which a broker keeps logs. */
export interface LogDir {
  /** The id of the broker. */
  readonly broker: number;
  /** As the broker's `log.dirs` names it. */
  readonly path: string;
  /** Of the file system it is on, -1 if unknown (brokers before Kafka 3.3). */
  readonly totalBytes: number;
  /** What is free on that file system, -1 if unknown. */
  readonly usableBytes: number;
  /** Whether it takes no new partitions (KIP-1066). */
  readonly isCordoned: boolean;
  /** The logs that lie in it. */
  readonly replicas: readonly LogDirReplica[];
}

/** The log of one partition in a directory. */
export interface LogDirReplica extends TopicPartition {
  /** All segments of its log together. */
  readonly sizeBytes: number;
  /** How far it is behind: the high watermark, or for a future replica the current one. */
  readonly offsetLag: number;
  /** Whether it is on its way here from another directory of the same broker. */
  readonly isFuture: boolean;
}

/** One replica of a partition: the one that a broker has. */
export interface TopicPartitionReplica extends TopicPartition {
  /** The id of the broker. */
  readonly broker: number;
}

/** The directory that a replica shall lie in. */
export interface NewReplicaLogDir extends TopicPartitionReplica {
  /** As the broker's `log.dirs` names it. */
  readonly path: string;
}

/** Where a replica's log lies. */
export interface ReplicaLogDir {
  /** As the broker's `log.dirs` names it. */
  readonly path: string;
  /** How far it is behind: the high watermark, or for a future replica the current one. */
  readonly offsetLag: number;
}

/** Where a replica lies, and where it is on its way to. */
export interface ReplicaLogDirs extends TopicPartitionReplica {
  /** Null where the broker has no such replica, or its directory has failed. */
  readonly current: ReplicaLogDir | null;
  /** Null where it is not being moved. */
  readonly future: ReplicaLogDir | null;
}

type Answer = DescribeLogDirsResponse["results"][number] & {
  readonly broker: number;
  readonly errorMessage: string | null;
};

/** A directory that a broker cannot use, or a broker that cannot be asked, is a failure of its own. */
export async function describeLogDirs(
  client: ClusterClient,
  { brokers, partitions, onProgress, ...call }: DescribeLogDirsOptions,
): Promise<LogDir[]> {
  const known = (await client.metadata.refresh(client.deadline("describeLogDirs", call))).brokers;
  const answers = await mapAll(brokers ?? [...known.keys()], onProgress, (broker) =>
    askForLogDirs(client, broker, partitions ?? null, call),
  );
  return resultsOf("describeLogDirs", answers.flat(), statusOf, (dir) => ({
    broker: dir.broker,
    path: dir.logDir,
    totalBytes: dir.totalBytes,
    usableBytes: dir.usableBytes,
    isCordoned: dir.isCordoned,
    replicas: replicasIn(dir),
  }));
}

/** As the Java client: a directory that has failed holds nothing that could be described. */
export async function describeReplicaLogDirs(
  client: ClusterClient,
  replicas: readonly TopicPartitionReplica[],
  { onProgress, ...call }: BulkOptions,
): Promise<ReplicaLogDirs[]> {
  const answers = await mapAll(brokersOf(replicas), onProgress, (broker) =>
    askForLogDirs(client, broker, replicasOf(replicas, broker), call),
  );
  const dirs = answers.flat();
  const unreached = (broker: number) => dirs.find((dir) => dir.broker === broker && dir.logDir === UNREACHED.logDir);
  const placeOf = (replica: TopicPartitionReplica, isFuture: boolean): ReplicaLogDir | null => {
    for (const dir of dirs) {
      if (dir.broker !== replica.broker) continue;
      const found = replicasIn(dir).find((held) => isSame(held, replica) && held.isFuture === isFuture);
      if (found !== undefined) return { path: dir.logDir, offsetLag: found.offsetLag };
    }
    return null;
  };
  return resultsOf(
    "describeReplicaLogDirs",
    replicas,
    (replica) => {
      const { errorCode = ErrorCode.NONE, errorMessage = null } = unreached(replica.broker) ?? {};
      return { resource: nameOf(replica), errorCode, errorMessage };
    },
    ({ topic, partition, broker }) => {
      const replica = { topic, partition, broker };
      return { ...replica, current: placeOf(replica, false), future: placeOf(replica, true) };
    },
  );
}

/** Resolves when the moves have begun. */
export async function alterReplicaLogDirs(
  client: ClusterClient,
  replicas: readonly NewReplicaLogDir[],
  { onProgress, ...call }: BulkOptions,
): Promise<void> {
  const statuses = await mapAll(brokersOf(replicas), onProgress, async (broker) => {
    const moved = replicasOf(replicas, broker);
    const paths = [...new Set(moved.map(({ path }) => path))];
    const dirs = paths.map((path) => ({ path, topics: namedTopics(moved.filter((replica) => replica.path === path)) }));
    try {
      const { results } = await client.ask({ broker }, alterReplicaLogDirsApi, { dirs }, call);
      return results.flatMap(({ topicName: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, errorCode }) => ({
          resource: nameOf({ topic, partition, broker }),
          errorCode,
        })),
      );
    } catch (error) {
      const failure = failureOf(error);
      return moved.map((replica) => ({ resource: nameOf(replica), ...failure }));
    }
  });
  checkResources("alterReplicaLogDirs", statuses.flat());
}

async function askForLogDirs(
  client: ClusterClient,
  broker: number,
  partitions: readonly TopicPartition[] | null,
  call: CallOptions,
): Promise<Answer[]> {
  const topics =
    partitions === null
      ? null
      : namedTopics(partitions).map(({ name, partitions: ofTopic }) => ({ topic: name, partitions: ofTopic }));
  try {
    const { results } = await client.ask({ broker }, describeLogDirsApi, { topics }, call);
    return results.map((dir) => ({ ...dir, broker, errorMessage: null }));
  } catch (error) {
    return [{ broker, ...UNREACHED, ...failureOf(error) }];
  }
}

/** What a broker that could not be asked is answered for. */
const UNREACHED = { logDir: "", topics: [], totalBytes: -1, usableBytes: -1, isCordoned: false };

/** Whoever has given up hears that; all else is the failure of one broker. */
function failureOf(error: unknown) {
  const { errno, code, message } = toKafkaError(error);
  if (code === "ABORTED" || code === "CLOSED") throw error;
  return { errorCode: errno || ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: message };
}

function statusOf({ broker, logDir, errorCode, errorMessage }: Answer): ResourceStatus {
  return { resource: logDir === "" ? `broker ${broker}` : `broker ${broker}, ${logDir}`, errorCode, errorMessage };
}

function replicasIn({ topics }: Answer): LogDirReplica[] {
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => {
      return { topic, partition: partitionIndex, sizeBytes: partitionSize, offsetLag, isFuture: isFutureKey };
    }),
  );
}

function brokersOf(replicas: readonly TopicPartitionReplica[]): number[] {
  return [...new Set(replicas.map(({ broker }) => broker))];
}

function replicasOf<Replica extends TopicPartitionReplica>(replicas: readonly Replica[], broker: number): Replica[] {
  return replicas.filter((replica) => replica.broker === broker);
}

function namedTopics(partitions: readonly TopicPartition[]) {
  return byTopic(partitions).map(({ name, items }) => ({ name, partitions: items.map(({ partition }) => partition) }));
}

function isSame(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition;
}

function nameOf({ topic, partition, broker }: TopicPartitionReplica): string {
  return `${topic}-${partition} on broker ${broker}`;
}
