import { type ClusterClient, toKafkaError } from "@ottla/client/internal";
import { describeLogDirsApi, ErrorCode } from "@ottla/protocol";
import { resultsOf } from "./partial-failure.ts";
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
  readonly broker: number;
  readonly path: string;
  /** Of the file system it is on, -1 if unknown (brokers before Kafka 3.3). */
  readonly totalBytes: number;
  readonly usableBytes: number;
  /** Whether it takes no new partitions (KIP-1066). */
  readonly isCordoned: boolean;
  readonly replicas: readonly LogDirReplica[];
}

/** The log of one partition in a directory. */
export interface LogDirReplica extends TopicPartition {
  readonly sizeBytes: number;
  /** How far it is behind: the high watermark, or for a future replica the current one. */
  readonly offsetLag: number;
  /** Whether it is on its way here from another directory of the same broker. */
  readonly isFuture: boolean;
}

/** A directory that a broker cannot use, or a broker that cannot be asked, is a failure of its own. */
export async function describeLogDirs(
  client: ClusterClient,
  { brokers, partitions, onProgress, ...call }: DescribeLogDirsOptions,
): Promise<LogDir[]> {
  const known = (await client.metadata.refresh(client.deadline("describeLogDirs", call))).brokers;
  const topics =
    partitions === undefined
      ? null
      : byTopic(partitions).map(({ name, items }) => ({
          topic: name,
          partitions: items.map(({ partition }) => partition),
        }));
  const answers = await mapAll(brokers ?? [...known.keys()], onProgress, async (broker) => {
    try {
      const { results } = await client.ask({ broker }, describeLogDirsApi, { topics }, call);
      return results.map((dir) => ({ ...dir, broker, errorMessage: null }));
    } catch (error) {
      const { errno, code, message } = toKafkaError(error);
      if (code === "ABORTED" || code === "CLOSED") throw error;
      return [{ broker, ...UNREACHED, errorCode: errno || ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: message }];
    }
  });
  return resultsOf(
    "describeLogDirs",
    answers.flat(),
    ({ broker, logDir, errorCode, errorMessage }) => {
      return { resource: logDir === "" ? `broker ${broker}` : `broker ${broker}, ${logDir}`, errorCode, errorMessage };
    },
    ({ broker, logDir, totalBytes, usableBytes, isCordoned, topics: replicas }) => ({
      ...{ broker, path: logDir, totalBytes, usableBytes, isCordoned },
      replicas: replicas.flatMap(({ name: topic, partitions: ofTopic }) =>
        ofTopic.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => {
          return { topic, partition: partitionIndex, sizeBytes: partitionSize, offsetLag, isFuture: isFutureKey };
        }),
      ),
    }),
  );
}

const UNREACHED = { logDir: "", topics: [], totalBytes: -1, usableBytes: -1, isCordoned: false };
