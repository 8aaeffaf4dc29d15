import { KafkaError } from "@ottla/client";
import { invalidTopic } from "@ottla/client/internal";
import { ErrorCode } from "@ottla/protocol/client";
import { formatPartition, type TopicPartition } from "./topic-partition.ts";

/** A call that does not fit how the consumer is used, such as `assign` on one that subscribes. Code `INVALID_STATE`. */
export function invalidState(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_STATE", errno: ErrorCode.INVALID_REQUEST });
}

/** A call needs a group. Code `INVALID_GROUP_ID`, as Kafka's. */
export function noGroup(what: string): KafkaError {
  return new KafkaError(`${what} needs a group: set groupId.`, {
    code: "INVALID_GROUP_ID",
  });
}

/** A partition that this consumer does not have. Code `NOT_ASSIGNED`. */
export function notAssigned(partition: TopicPartition): KafkaError {
  return new KafkaError(`${formatPartition(partition)} is not assigned to this consumer.`, { code: "NOT_ASSIGNED" });
}

/** A commit for a partition that is not this member's (any more): another one may be further on. Code `NOT_ASSIGNED`. */
export function notOwned(partition: TopicPartition): KafkaError {
  const name = formatPartition(partition);
  const message = `${name} is not this member's, or was away meanwhile: not committed.`;
  return new KafkaError(message, { code: "NOT_ASSIGNED" });
}

/** A topic that the cluster does not have, or has only just been given. Retriable. */
export function unknownTopic(topic: string): KafkaError {
  return KafkaError.fromCode(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic "${topic}"`);
}

/** There is no offset to start from, and `autoOffsetReset` is `none`. Code `NO_OFFSET_FOR_PARTITION`. */
export function noOffset(partitions: readonly TopicPartition[]): KafkaError {
  const names = partitions.map(formatPartition).join(", ");
  return new KafkaError(
    `No offset is committed for ${names}, and autoOffsetReset is "none": seek, or set autoOffsetReset.`,
    { code: "NO_OFFSET_FOR_PARTITION" },
  );
}

/** The position lies outside what the partition holds, and `autoOffsetReset` is `none`. Code `OFFSET_OUT_OF_RANGE`. */
export function offsetOutOfRange(partition: TopicPartition, offset: number, toOffset: number): KafkaError {
  const name = formatPartition(partition);
  const detail = offset < toOffset ? `${name} begins at ${toOffset} by now` : `${name} ends at ${toOffset}`;
  return KafkaError.fromCode(ErrorCode.OFFSET_OUT_OF_RANGE, `Offset ${offset} cannot be read: ${detail}`);
}

/** The log was cut back behind the position, and `autoOffsetReset` is `none`. Code `LOG_TRUNCATION` (KIP-320). */
export function logTruncated(
  partition: TopicPartition,
  offset: number,
  divergentOffset: number | undefined,
): KafkaError {
  const where = divergentOffset === undefined ? "before it" : `at ${divergentOffset}`;
  return new KafkaError(
    `The log of ${formatPartition(partition)} was cut back ${where} after it had been read up to ${offset}: seek, or set autoOffsetReset.`,
    { code: "LOG_TRUNCATION" },
  );
}

/**
 * By Kafka's rule for the names of topics.
 * @throws KafkaError `INVALID_TOPIC_EXCEPTION` for a name that no topic can have, so that waiting for it would be in vain
 */
export function checkTopicName(name: unknown): void {
  if (typeof name === "string" && /^(?!\.\.?$)[\w.-]{1,249}$/.test(name)) return;
  throw invalidTopic(name);
}
