import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { writeTxnMarkersApi } from "@ottla/protocol";
import { askLeaders } from "./leaders.ts";
import { checkResources } from "./partial-failure.ts";
import { partitionName, type TopicPartition } from "./topic-partitions.ts";

/** A transaction that is open in a partition, as `describeProducers` tells of it. */
export interface AbortTransactionSpec extends TopicPartition {
  /** The id of the producer that began it. */
  readonly producerId: number;
  /** The epoch of that producer. */
  readonly producerEpoch: number;
  /** Of the transaction coordinator that last wrote a marker for it; what is less than 0, for none, is sent as 0. */
  readonly coordinatorEpoch: number;
}

export async function abortTransaction(
  client: ClusterClient,
  transaction: AbortTransactionSpec,
  call: CallOptions,
): Promise<void> {
  const { topic: name, partition, producerId, producerEpoch } = transaction;
  const coordinatorEpoch = Math.max(transaction.coordinatorEpoch, 0);
  const deadline = client.deadline("abortTransaction", call);
  const answers = await askLeaders<TopicPartition, void>(
    client,
    [transaction],
    deadline,
    async (broker, _, options) => {
      const topics = [{ name, partitionIndexes: [partition] }];
      const marker = { producerId, producerEpoch, coordinatorEpoch, transactionResult: false, topics };
      const { markers } = await client.ask({ broker }, writeTxnMarkersApi, { markers: [marker] }, options);
      return markers.flatMap((written) =>
        written.topics.flatMap(({ name: topic, partitions }) =>
          partitions.map(({ partitionIndex, errorCode }) => ({ topic, partition: partitionIndex, errorCode })),
        ),
      );
    },
  );
  checkResources(
    "abortTransaction",
    answers.map((answer) => ({ resource: partitionName(answer), ...answer })),
  );
}
