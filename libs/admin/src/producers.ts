import type { ClusterClient } from "@ottla/client/internal";
import { describeProducersApi } from "@ottla/protocol";
import { askLeaders } from "./leaders.ts";
import { resultsOf } from "./partial-failure.ts";
import type { BulkOptions } from "./progress.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";

/** A partition, and the idempotent and transactional producers that its leader remembers. */
export interface PartitionProducers extends TopicPartition {
  /** The producers that its leader remembers. */
  readonly producers: readonly ActiveProducer[];
}

/** A producer as the leader of a partition remembers it. */
export interface ActiveProducer {
  /** The id that the cluster gave it. */
  readonly producerId: number;
  /** The epoch of that id; a producer with an older one is fenced off. */
  readonly producerEpoch: number;
  /** Sequence of its last record here, -1 if unknown. */
  readonly lastSequence: number;
  /** Time of that record, -1 if unknown. */
  readonly lastTimestampMs: number;
  /** Of the transaction coordinator that last wrote a marker for it, -1 if none has. */
  readonly coordinatorEpoch: number;
  /** Where its open transaction begins, -1 without one. */
  readonly currentTransactionStartOffset: number;
}

export async function describeProducers(
  client: ClusterClient,
  partitions: readonly TopicPartition[],
  { onProgress, ...call }: BulkOptions,
): Promise<PartitionProducers[]> {
  const deadline = client.deadline("describeProducers", call);
  const answers = await askLeaders<TopicPartition, PartitionProducers>(
    client,
    partitions,
    deadline,
    async (broker, ofLeader, options) => {
      const topics = byTopic(ofLeader).map(({ name, items }) => ({
        name,
        partitionIndexes: items.map(({ partition }) => partition),
      }));
      const response = await client.ask({ broker }, describeProducersApi, { topics }, options);
      return response.topics.flatMap(({ name: topic, partitions: described }) =>
        described.map(({ partitionIndex: partition, errorCode, errorMessage, activeProducers }) => {
          const producers = activeProducers.map(toProducer);
          return { topic, partition, errorCode, errorMessage, result: { topic, partition, producers } };
        }),
      );
    },
    (completed) => onProgress?.({ completed, total: partitions.length }),
  );
  return resultsOf(
    "describeProducers",
    answers,
    (answer) => ({ resource: partitionName(answer), ...answer }),
    ({ result }) => result!,
  );
}

function toProducer(producer: {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnStartOffset: number;
}): ActiveProducer {
  const { producerId, producerEpoch, lastSequence, coordinatorEpoch } = producer;
  return {
    ...{ producerId, producerEpoch, lastSequence, coordinatorEpoch },
    lastTimestampMs: producer.lastTimestamp,
    currentTransactionStartOffset: producer.currentTxnStartOffset,
  };
}
