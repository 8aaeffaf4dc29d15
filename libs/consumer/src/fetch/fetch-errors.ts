import { toKafkaError } from "@ottla/client/internal";
import { KafkaError } from "@ottla/protocol/client";
import { formatPartition, type TopicPartition } from "../topic-partition.ts";

/** What fetching of a partition is called where trouble is told of. */
export function fetchOf(partition: TopicPartition): string {
  return `fetch of ${formatPartition(partition)}`;
}

/** What was fetched of a partition cannot be read. */
export function unreadable(partition: TopicPartition, cause: unknown): KafkaError {
  const { message, code, errno, retriable } = toKafkaError(cause);
  return new KafkaError(`Reading ${formatPartition(partition)}: ${message}`, { code, errno, retriable, cause });
}

/** Only brokers older than Kafka 0.10.1 cut a first batch short (KIP-74). */
export function batchTooLarge(partition: TopicPartition): KafkaError {
  return new KafkaError(
    `The next record batch of ${formatPartition(partition)} is larger than a fetch may be; raise maxPartitionFetchBytes.`,
    { code: "RECORD_TOO_LARGE" },
  );
}
