import { type MetadataImage, type TopicImage, topicNameProblem } from "@ottla/metadata";
import {
  type DescribeTopicPartitionsRequest,
  describeTopicPartitionsApi,
  ErrorCode,
  KafkaError,
  type ResponseInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import { TOPIC_OPERATIONS } from "../services/authorized-operations.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { isInternalTopic } from "../services/internal-topics.ts";
import { describePartition } from "../services/partition-metadata.ts";

type DescribeTopicPartitionsResponseInput = ResponseInput<typeof describeTopicPartitionsApi>;
type TopicResult = DescribeTopicPartitionsResponseInput["topics"][number];
type Cursor = NonNullable<DescribeTopicPartitionsRequest["cursor"]>;

/** DescribeTopicPartitions: topics in the order of their names, page by page (KIP-966). */
export const describeTopicPartitionsHandler = (broker: BrokerServices) =>
  apiHandler(
    describeTopicPartitionsApi,
    { minVersion: 0, maxVersion: 0, errorResponse: wholeRequestFailed },
    (request) => {
      const limit = Math.min(request.responsePartitionLimit, broker.config.require("max.request.partition.size.limit"));
      return new Page(broker.image, request.cursor, Math.max(limit, 1)).fill(request);
    },
  );

function wholeRequestFailed({ topics }: DescribeTopicPartitionsRequest, { errno }: WholeRequestError) {
  return { throttleTimeMs: 0, topics: topics.map(({ name }) => missingTopic(name, errno, true)) };
}

/** As Kafka: what may be done with a topic is told although it is not there, unless the whole request failed. */
function missingTopic(name: string, errorCode: number, isWhole = false): TopicResult {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    ...(!isWhole && { topicAuthorizedOperations: TOPIC_OPERATIONS }),
  };
}

/** One answer: as many partitions as it may hold, from the cursor on, and where the next one begins. */
class Page {
  readonly #image: MetadataImage;
  readonly #from: Cursor | null;
  readonly #topics: TopicResult[] = [];
  #left: number;

  constructor(image: MetadataImage, from: Cursor | null, partitionsMax: number) {
    this.#image = image;
    this.#from = from;
    this.#left = partitionsMax;
  }

  fill(request: DescribeTopicPartitionsRequest): DescribeTopicPartitionsResponseInput {
    const nextCursor = this.#addTopics(this.#namesFromCursor(request));
    return { throttleTimeMs: 0, topics: this.#topics, nextCursor };
  }

  /** No names ask for all topics. */
  #namesFromCursor({ topics }: DescribeTopicPartitionsRequest): readonly string[] {
    const from = this.#from;
    const names = topics.length === 0 ? [...this.#image.topicsByName.keys()] : topics.map(({ name }) => name);
    if (from !== null && topics.length > 0 && !names.includes(from.topicName)) {
      throw KafkaError.fromCode(
        ErrorCode.INVALID_REQUEST,
        `DescribeTopicPartitionsRequest topic list should contain the cursor topic: ${from.topicName}`,
      );
    }
    if (from !== null && from.partitionIndex < 0) {
      throw KafkaError.fromCode(ErrorCode.INVALID_REQUEST, "The partition of the cursor must not be negative");
    }
    return [...new Set(names)].filter((name) => name >= (from?.topicName ?? "")).sort();
  }

  /** The cursor of what did not fit, or null. */
  #addTopics(names: readonly string[]): Cursor | null {
    for (const name of names) {
      if (this.#left === 0) return { topicName: name, partitionIndex: 0 };
      const topic = this.#image.topicsByName.get(name);
      if (topic === undefined) {
        const isValid = topicNameProblem(name) === null;
        const errno = isValid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
        this.#topics.push(missingTopic(name, errno));
        continue;
      }
      const next = this.#addTopic(topic);
      if (next !== null) return next;
    }
    return null;
  }

  #addTopic({ name, topicId, partitions }: TopicImage): Cursor | null {
    const from = this.#from;
    const start = from?.topicName === name ? from.partitionIndex : 0;
    const shown = partitions.slice(start, start + this.#left);
    this.#topics.push({
      errorCode: ErrorCode.NONE,
      name,
      topicId,
      isInternal: isInternalTopic(name),
      partitions: shown.map((partition) => ({
        ...describePartition(this.#image, partition),
        eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
        lastKnownElr: partition.lastKnownElr,
      })),
      topicAuthorizedOperations: TOPIC_OPERATIONS,
    });
    this.#left -= shown.length;
    const end = start + shown.length;
    return end < partitions.length ? { topicName: name, partitionIndex: end } : null;
  }
}
