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
import type { BrokerServices } from "../services/broker-services.ts";
import { isInternalTopic } from "../services/internal-topics.ts";

type TopicQuery = DeleteRecordsRequest["topics"][number];
type PartitionQuery = TopicQuery["partitions"][number];
type PartitionResult = ResponseInput<typeof deleteRecordsApi>["topics"][number]["partitions"][number];

/** Stands for "all that is committed". */
const HIGH_WATERMARK = -1;
const NO_LOW_WATERMARK = -1;

/** DeleteRecords: moves the log start offset of partitions up, each on its own. */
export const deleteRecordsHandler = (broker: BrokerServices) =>
  apiHandler(
    deleteRecordsApi,
    { minVersion: 0, maxVersion: 2, errorResponse: wholeRequestFailed },
    async ({ topics }) => {
      const asked = topics.filter(({ partitions }) => partitions.length > 0);
      const results = asked.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map((query) => deleteRecords(broker, name, query))),
      }));
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

async function deleteRecords(broker: BrokerServices, topic: string, query: PartitionQuery): Promise<PartitionResult> {
  try {
    const { log } = deletablePartition(broker, topic, query);
    const offset = query.offset === HIGH_WATERMARK ? log.highWatermark : query.offset;
    if (offset < 0 || offset > log.highWatermark) {
      throw new OffsetOutOfRange(offset, log.logStartOffset, log.highWatermark);
    }
    await log.advanceLogStartOffset(offset);
    return { partitionIndex: query.partitionIndex, lowWatermark: log.logStartOffset, errorCode: ErrorCode.NONE };
  } catch (error) {
    return failed(query, errnoOf(error));
  }
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
