import { ProtocolError } from "@ottla/protocol";
import { coordinatorRecordType, type TransactionLogValue, transactionLogRecord } from "@ottla/protocol/internal";
import type { EncodedRecord } from "../shard/coordinator-shard.ts";
import {
  NO_PARTITIONS,
  NO_PRODUCER_EPOCH,
  type PartitionsByTopic,
  type TransactionMetadata,
  TransactionVersion,
} from "../transactions/transaction-metadata.ts";
import { stateId, stateOfId } from "../transactions/transaction-state.ts";

/** A record of `__transaction_state`. Without metadata it is a tombstone. */
export interface TransactionRecord {
  readonly transactionalId: string;
  readonly metadata: TransactionMetadata | null;
  /** The finalized level of `transaction.version`: brokers below 1 cannot read tagged fields. */
  readonly transactionVersion: number;
}

export function encodeTransactionRecord({
  transactionalId,
  metadata,
  transactionVersion,
}: TransactionRecord): EncodedRecord {
  const version = transactionVersion >= TransactionVersion.V1 ? 1 : 0;
  return {
    key: transactionLogRecord.encodeKey({ transactionalId }),
    value: metadata && transactionLogRecord.encodeValue(logValueOf(metadata, version), version),
  };
}

function logValueOf(metadata: TransactionMetadata, version: number) {
  const { partitions } = metadata;
  const value = {
    producerId: metadata.producerId,
    producerEpoch: metadata.producerEpoch,
    transactionTimeoutMs: metadata.timeoutMs,
    transactionStatus: stateId(metadata.state),
    transactionPartitions:
      metadata.state === "Empty"
        ? null
        : Array.from(partitions, ([topic, ids]) => ({ topic, partitionIds: Array.from(ids) })),
    transactionLastUpdateTimestampMs: metadata.lastUpdateMs,
    transactionStartTimestampMs: metadata.startMs,
  };
  if (version === 0) return value;
  return {
    ...value,
    previousProducerId: metadata.previousProducerId,
    nextProducerId: metadata.nextProducerId,
    clientTransactionVersion: metadata.clientTransactionVersion,
  };
}

/** Reads a record from the log; a reason where it makes no sense. */
export function decodeTransactionRecord(
  key: Uint8Array,
  value: Uint8Array | null,
): { readonly transactionalId: string; readonly metadata: TransactionMetadata | null } | { readonly reason: string } {
  try {
    const type = coordinatorRecordType(key);
    if (type !== transactionLogRecord.type) return { reason: `records of type ${type} are not known` };
    const { transactionalId } = transactionLogRecord.decodeKey(key);
    if (value === null) return { transactionalId, metadata: null };
    return metadataOf(transactionalId, transactionLogRecord.decodeValue(value).value);
  } catch (error) {
    if (error instanceof ProtocolError) return { reason: error.message };
    throw error;
  }
}

function metadataOf(transactionalId: string, value: TransactionLogValue): ReturnType<typeof decodeTransactionRecord> {
  const state = stateOfId(value.transactionStatus);
  if (state === undefined) return { reason: `there is no transaction state ${value.transactionStatus}` };
  const metadata: TransactionMetadata = {
    transactionalId,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: partitionsOf(value.transactionPartitions),
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    clientTransactionVersion: value.clientTransactionVersion,
  };
  return { transactionalId, metadata };
}

function partitionsOf(topics: TransactionLogValue["transactionPartitions"]): PartitionsByTopic {
  if (topics === null || topics.length === 0) return NO_PARTITIONS;
  return new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
}
