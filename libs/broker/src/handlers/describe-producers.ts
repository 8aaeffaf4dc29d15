import { refuse, topicNameProblem } from "@ottla/metadata";
import { describeProducersApi, ErrorCode, KafkaError, type ResponseInput } from "@ottla/protocol";
import type { ProducerDescription } from "@ottla/storage";
import { apiHandler } from "../api-handler.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";

type PartitionResult = ResponseInput<typeof describeProducersApi>["topics"][number]["partitions"][number];

/**
 * DescribeProducers: the producers that a replica remembers, and their open transactions (KIP-664). As Kafka, followers
 * answer too: `kafka-transactions` has an option that names the broker.
 */
export const describeProducersHandler = (broker: BrokerServices) =>
  apiHandler(
    describeProducersApi,
    {
      minVersion: 0,
      maxVersion: 0,
      errorResponse: ({ topics }, { errno, message }) => ({
        throttleTimeMs: 0,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((index) => failed(index, errno, message)),
        })),
      }),
    },
    ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => describePartition(broker, name, index)),
      })),
    }),
  );

function failed(partitionIndex: number, errorCode: number, errorMessage: string | null): PartitionResult {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}

function describePartition(broker: BrokerServices, topic: string, index: number): PartitionResult {
  try {
    const activeProducers = replicaOf(broker, topic, index).log.producers().map(describeProducer);
    return { partitionIndex: index, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers };
  } catch (error) {
    return failed(index, errnoOf(error), error instanceof Error ? error.message : null);
  }
}

function replicaOf({ partitions }: BrokerServices, topic: string, index: number): Partition {
  const problem = topicNameProblem(topic);
  if (problem !== null) throw refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  const partition = partitions.get(topic, index);
  if (partition === undefined) throw KafkaError.fromCode(partitions.missingErrno(topic, index));
  return partition;
}

function describeProducer(producer: ProducerDescription) {
  return {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.transactionStartOffset,
  };
}
