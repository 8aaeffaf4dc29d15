import { type DescribeLogDirsRequest, describeLogDirsApi, ErrorCode, type ResponseInput } from "@ottla/protocol";
import type { DiskSpace } from "@ottla/runtime";
import { apiHandler } from "../api-handler.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices, DescribedDirectory } from "../services/broker-services.ts";

type DirectoryResult = ResponseInput<typeof describeLogDirsApi>["results"][number];
type TopicQueries = DescribeLogDirsRequest["topics"];

const SPACE_UNKNOWN: DiskSpace = { totalBytes: -1, usableBytes: -1 };

/** DescribeLogDirs: the log directories, their space, and the sizes of the replicas in them. */
export const describeLogDirsHandler = (broker: BrokerServices) =>
  apiHandler(
    describeLogDirsApi,
    { minVersion: 1, maxVersion: 5, errorResponse: (_, { errno }) => answer(errno, []) },
    async ({ topics }) => {
      const wanted = wantedPartitions(broker, topics);
      const results = broker.logDirectories.map((directory) => describeDirectory(directory, wanted));
      return answer(ErrorCode.NONE, await Promise.all(results));
    },
  );

function answer(errorCode: number, results: readonly DirectoryResult[]) {
  return { throttleTimeMs: 0, errorCode, results };
}

async function describeDirectory(
  directory: DescribedDirectory,
  wanted: readonly Partition[],
): Promise<DirectoryResult> {
  const logDir = directory.name;
  if (!directory.isOnline) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir, topics: [] };
  try {
    const { totalBytes, usableBytes } = (await directory.space()) ?? SPACE_UNKNOWN;
    const topics = describeTopics(wanted.filter(({ topic, partition }) => directory.holds(topic, partition)));
    return { errorCode: ErrorCode.NONE, logDir, topics, totalBytes, usableBytes };
  } catch (error) {
    return { errorCode: errnoOf(error), logDir, topics: [] };
  }
}

/** Null asks for all partitions. What is asked for and not here is left out, as in Kafka. */
function wantedPartitions({ partitions }: BrokerServices, queries: TopicQueries): readonly Partition[] {
  if (queries === null) return [...partitions.all()];
  const wanted = queries.flatMap((query) => query.partitions.map((index) => partitions.get(query.topic, index) ?? []));
  return [...new Set(wanted.flat())];
}

function describeTopics(partitions: readonly Partition[]): DirectoryResult["topics"] {
  const byTopic = new Map<string, Partition[]>();
  for (const partition of partitions) {
    const others = byTopic.get(partition.topic);
    if (others === undefined) byTopic.set(partition.topic, [partition]);
    else others.push(partition);
  }
  return [...byTopic].map(([name, replicas]) => ({ name, partitions: replicas.map(describeReplica) }));
}

function describeReplica({ partition, log }: Partition) {
  return {
    partitionIndex: partition,
    partitionSize: log.sizeBytes,
    offsetLag: Math.max(log.highWatermark - log.logEndOffset, 0),
    isFutureKey: false,
  };
}
