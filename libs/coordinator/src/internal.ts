export { joinError, syncError } from "./classic/answers.ts";
export { deleteGroupsError } from "./classic/delete-group.ts";
export { describeGroupError } from "./classic/describe-groups.ts";
export { leaveGroupError } from "./classic/leave-group.ts";
export { consumerHeartbeatError } from "./consumer/consumer-heartbeat.ts";
export { describeConsumerGroupError } from "./consumer/describe-consumer-groups.ts";
export { defaultGroupConfig, type GroupConfig } from "./group-config.ts";
export * from "./group-requests.ts";
export { offsetCommitError } from "./offsets/offset-commit.ts";
export { offsetDeleteError } from "./offsets/offset-delete.ts";
export { offsetFetchError } from "./offsets/offset-fetch.ts";
export { txnOffsetCommitError } from "./offsets/txn-offset-commit.ts";
export { partitionForGroup } from "./partition-for-group.ts";
export {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type UnknownGroupRecord,
} from "./records/group-record.ts";
export {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from "./records/transaction-record.ts";
export { coordinatorError } from "./shard/append-error.ts";
export type {
  CoordinatorShard,
  EncodedRecord,
  MarkerToWrite,
  StepResult,
  TransactionalProducer,
} from "./shard/coordinator-shard.ts";
export type { Moment } from "./shard/step.ts";
export { deliver, type Reply, type Ticket } from "./shard/ticket.ts";
export { GroupCoordinatorShard, type GroupCoordinatorShardOptions, type GroupStepResult } from "./shard.ts";
export { type CatalogTopic, emptyTopicCatalog, type TopicCatalog } from "./topic-catalog.ts";
export { describeTransactionError, transactionalIdMatcher } from "./transactions/describe-transactions.ts";
export { defaultTransactionConfig, type TransactionConfig } from "./transactions/transaction-config.ts";
export {
  NO_PARTITIONS,
  type PartitionsByTopic,
  partitionsOf,
  type TransactionMetadata,
  TransactionVersion,
} from "./transactions/transaction-metadata.ts";
export * from "./transactions/transaction-requests.ts";
export { TransactionCoordinatorShard, type TransactionStepResult } from "./transactions/transaction-shard.ts";
export { type TransactionState, transactionStates } from "./transactions/transaction-state.ts";
