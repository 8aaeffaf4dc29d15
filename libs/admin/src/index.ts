export { type CallOptions, type ClientOptions, KafkaError } from "@ottla/client";
export type { AbortTransactionSpec } from "./abort-transaction.ts";
export { Admin, type AdminOptions } from "./admin.ts";
export type {
  AlterClientQuotasOptions,
  ClientQuotaAlteration,
  ClientQuotas,
  DescribeClientQuotasOptions,
  QuotaEntity,
  QuotaEntityType,
  QuotaFilter,
  QuotaKey,
} from "./client-quotas.ts";
export type {
  BrokerDescription,
  ClusterDescription,
  DescribeClusterOptions,
  FeaturesDescription,
} from "./cluster.ts";
export type {
  AlterConfigsOptions,
  ConfigAlteration,
  ConfigChange,
  ConfigEntry,
  ConfigQuery,
  ConfigResource,
  ConfigResourceType,
  ConfigSource,
  DescribeConfigsOptions,
  ListConfigResourcesOptions,
  ResourceConfigs,
} from "./configs.ts";
export type { GroupDescription, GroupMemberDescription } from "./describe-groups.ts";
export type { DescribeTopicsOptions, TopicDescription, TopicPartitionDescription } from "./describe-topics.ts";
export type { QuotaRetryOptions } from "./despite-quota.ts";
export type { GroupOffset, NewGroupOffset } from "./group-offsets.ts";
export type { GroupListing, ListGroupsOptions } from "./groups.ts";
export type { ElectionType } from "./leader-elections.ts";
export type { FoundOffset, ListOffsetsOptions, OffsetQuery, OffsetSpec } from "./list-offsets.ts";
export type {
  DescribeLogDirsOptions,
  LogDir,
  LogDirReplica,
  NewReplicaLogDir,
  ReplicaLogDir,
  ReplicaLogDirs,
  TopicPartitionReplica,
} from "./log-dirs.ts";
export { PartialFailureError, type ResourceFailure } from "./partial-failure.ts";
export type { ActiveProducer, PartitionProducers } from "./producers.ts";
export type { BulkOptions, Progress } from "./progress.ts";
export type { NewPartitionReassignment, PartitionReassignment } from "./reassignments.ts";
export type { DeletedRecords, RecordsDeletion } from "./records.ts";
export type { TopicPartition } from "./topic-partitions.ts";
export type {
  CreatedTopic,
  CreateTopicsOptions,
  DeleteTopicsOptions,
  NewTopic,
  PartitionsIncrease,
  TopicListing,
  TopicRef,
} from "./topics.ts";
export type { ListTransactionsOptions, TransactionDescription, TransactionListing } from "./transactions.ts";
