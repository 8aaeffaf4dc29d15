// What a page may name without getting more of this library at once than it has to have anyway: see index.ts.
export {
  bytes,
  bytesSerde,
  type ClientOptions,
  type Data,
  type Deserializer,
  double,
  doubleSerde,
  type Format,
  fromSerde,
  integer,
  integerSerde,
  json,
  jsonSerde,
  KafkaError,
  long,
  longSerde,
  nullable,
  SchemaError,
  type Serde,
  type Serializer,
  type StandardSchema,
  string,
  stringSerde,
  type TroubleEvents,
  type TypedTopic,
  topic,
} from "@ottla/client";
export type { CompressionType } from "@ottla/protocol";
export { ArraySendError, type RecordOutcome } from "./array-send.ts";
export type { SendContext, TracedRecord } from "./diagnostics/contract.ts";
export type { ProducerEvents } from "./events.ts";
export type { ProducerMetrics } from "./metrics.ts";
export type { Acks, ProducerOptions } from "./options.ts";
export type { PartitionerArgs, PartitionerOption, PartitionFunction } from "./partitioner/partitioner.ts";
export { type CloseOptions, Producer, type SendOptions } from "./producer.ts";
export type { HeadersInput, ProducerRecord, RecordMetadata } from "./record.ts";
export type { Transaction, TransactionOptions } from "./transactions/transaction.ts";
export type { TransactionErrorKind } from "./transactions/transaction-errors.ts";
export type {
  TransactionGroup,
  TransactionOffset,
  TransactionOffsets,
  TransactionOffsetsSource,
} from "./transactions/transaction-offsets.ts";
