// What a page may name without getting more of this library at once than it has to have anyway: see index.ts.
export {
  bytes,
  bytesSerde,
  type CallOptions,
  type ClientOptions,
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
  type StandardSchema,
  string,
  stringSerde,
  type TroubleEvents,
  type TypedTopic,
  topic,
} from "@ottla/client";
export type { RecordHeader, RecordHeaders, TimestampType } from "@ottla/protocol";
export type {
  AssignablePartition,
  AssignableTopics,
  GroupMetadata,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
  RebalanceProtocol,
} from "./assignors/assignor.ts";
export { ConsumerBatch } from "./batch.ts";
export { type CloseOptions, Consumer } from "./consumer.ts";
export type { ProcessContext } from "./diagnostics/contract.ts";
export type { ConsumerEvents, ResetReason } from "./events.ts";
export type { MembershipState } from "./group/membership.ts";
export type { ConsumerMetrics } from "./metrics.ts";
export type { OffsetQuery } from "./offsets/list-offsets.ts";
export type { CommittedOffset, OffsetAndTimestamp, OffsetToCommit } from "./offsets/offset-types.ts";
export type { OffsetResetPolicy } from "./offsets/reset-policy.ts";
export type { AssignorName, ConsumerOptions, GroupProtocol, IsolationLevel } from "./options.ts";
export type { ReadOptions } from "./reading/iterators.ts";
export type {
  DeadLetterOptions,
  DeadLetterRecord,
  HandlerContext,
  RecordHandler,
  RecordOrder,
  RetryOptions,
  RunOptions,
} from "./reading/run-options.ts";
export type { RebalanceListener } from "./rebalance-listener.ts";
export { ConsumerRecord } from "./record.ts";
export type { TopicPartition } from "./topic-partition.ts";
export {
  type InvalidRecordPolicy,
  type ReadTopicsOptions,
  type RecordReader,
  readTopics,
  type TypedRecord,
} from "./typed/read-topics.ts";
