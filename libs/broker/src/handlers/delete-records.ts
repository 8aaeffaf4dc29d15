import {
  type DeleteRecordsRequest,
  deleteRecordsApi,
  ErrorCode,
  KafkaError,
  type ResponseInput,
} from "@ottla/protocol";
import { OffsetOutOfRange } from "@ottla/storage";
import { apiHandler } from "../api-handler.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import { Watch } from "../partition/purgatory.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { isInternalTopic } from "../services/internal-topics.ts";
import { joinedTopics } from "../services/joined-topics.ts";

type TopicQuery = DeleteRecordsRequest["topics"][number];
type PartitionQuery = TopicQuery["partitions"][number];
type PartitionResult = ResponseInput<typeof deleteRecordsApi>["topics"][number]["partitions"][number];

/** Stands for "all that is committed". */
const HIGH_WATERMARK = -1;
const NO_LOW_WATERMARK = -1;

/** DeleteRecords: moves the log start offset of partitions up, each on its own. Of one that is named twice the last counts. */
export const deleteRecordsHandler = (broker: BrokerServices) =>
  apiHandler(
    deleteRecordsApi,
    { minVersion: 0, maxVersion: 2, errorResponse: wholeRequestFailed },
    async ({ topics, timeoutMs }) => {
      const results = joinedTopics(topics).map(async ({ name, partitions }) => {
        const last = new Map(partitions.map((query) => [query.partitionIndex, query]));
        const deletions = [...last.values()].map((query) => deleteRecords(broker, name, query, timeoutMs));
        return { name, partitions: await Promise.all(deletions) };
      });
      return { throttleTimeMs: 0, topics: await Promise.all(results) };
    },
  );

function wholeRequestFailed({ topics }: DeleteRecordsRequest, { errno }: { readonly errno: number }) {
  const results = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((query) => failed(query, errno)),
  }));
  return { throttleTimeMs: 0, topics: results };
}

function failed({ partitionIndex }: PartitionQuery, errorCode: number): PartitionResult {
  return { partitionIndex, lowWatermark: NO_LOW_WATERMARK, errorCode };
}

/** As Kafka: records are deleted when all replicas that are alive have deleted them. */
async function deleteRecords(
  broker: BrokerServices,
  topic: string,
  query: PartitionQuery,
  timeoutMs: number,
): Promise<PartitionResult> {
  try {
    const partition = deletablePartition(broker, topic, query);
    const { log } = partition;
    const offset = query.offset === HIGH_WATERMARK ? log.highWatermark : query.offset;
    if (offset < 0 || offset > log.highWatermark) {
      throw new OffsetOutOfRange(offset, log.logStartOffset, log.highWatermark);
    }
    await log.advanceLogStartOffset(offset);
    const errorCode = await deletedEverywhere(broker, partition, offset, timeoutMs);
    if (errorCode !== ErrorCode.NONE) return failed(query, errorCode);
    const lowWatermark = partition.leadership?.lowWatermark ?? log.logStartOffset;
    return { partitionIndex: query.partitionIndex, lowWatermark, errorCode };
  } catch (error) {
    return failed(query, errnoOf(error));
  }
}

/** Waits until every replica that is alive begins at `offset` or later; the error code where that does not come to pass. */
function deletedEverywhere(
  { purgatory }: BrokerServices,
  partition: Partition,
  offset: number,
  timeoutMs: number,
): number | Promise<number> {
  const state = () => {
    if (partition.leadership === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return partition.leadership.lowWatermark >= offset ? ErrorCode.NONE : null;
  };
  const atOnce = state();
  if (atOnce !== null) return atOnce;
  return new Promise((resolve) => {
    const tryComplete = () => {
      const errorCode = state();
      if (errorCode !== null) resolve(errorCode);
      return errorCode !== null;
    };
    const expire = () => resolve(state() ?? ErrorCode.REQUEST_TIMED_OUT);
    purgatory.add(new Watch({ tryComplete, expire }, [partition]), timeoutMs);
  });
}

/** As Kafka: records of internal topics and of topics that are only compacted are not a client's to delete. */
function deletablePartition({ partitions }: BrokerServices, topic: string, query: PartitionQuery): Partition {
  const partition = partitions.get(topic, query.partitionIndex);
  if (partition === undefined) throw KafkaError.fromCode(partitions.missingErrno(topic, query.partitionIndex));
  if (isInternalTopic(topic)) throw KafkaError.fromCode(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!partition.isLeader) throw KafkaError.fromCode(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  if (!partition.config.cleanupPolicy.includes("delete")) throw KafkaError.fromCode(ErrorCode.POLICY_VIOLATION);
  return partition;
}
