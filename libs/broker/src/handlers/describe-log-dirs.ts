import { type DescribeLogDirsRequest, describeLogDirsApi, ErrorCode, type ResponseInput } from "@ottla/protocol";
import type { DiskSpace } from "@ottla/runtime";
import { apiHandler } from "../api-handler.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices, DescribedDirectory } from "../services/broker-services.ts";
import { groupBy } from "../services/group-by.ts";

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
    const topics = describeTopics(directory, wanted);
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

function describeTopics(directory: DescribedDirectory, wanted: readonly Partition[]): DirectoryResult["topics"] {
  const replicas = wanted.flatMap((partition) => replicasIn(directory, partition));
  const byTopic = groupBy(replicas, ({ topic }) => topic);
  return [...byTopic].map(([name, partitions]) => ({ name, partitions }));
}

/** The replica of a partition, or the one that is to take its place; none, where the directory has neither. */
function replicasIn(directory: DescribedDirectory, { topic, partition, log }: Partition) {
  const described = { topic, partitionIndex: partition };
  if (directory.holds(topic, partition)) {
    const offsetLag = Math.max(log.highWatermark - log.logEndOffset, 0);
    return [{ ...described, partitionSize: log.sizeBytes, offsetLag, isFutureKey: false }];
  }
  const future = directory.future(topic, partition);
  if (future === undefined) return [];
  const offsetLag = Math.max(log.logEndOffset - future.logEndOffset, 0);
  return [{ ...described, partitionSize: future.sizeBytes, offsetLag, isFutureKey: true }];
}
