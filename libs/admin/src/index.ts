export { type CallOptions, type ClientOptions, KafkaError } from "@ottla/client";
export { Admin, type AdminOptions } from "./admin.ts";
export type { BrokerDescription, ClusterDescription } from "./cluster.ts";
export type {
  ConfigAlteration,
  ConfigChange,
  ConfigEntry,
  ConfigQuery,
  ConfigResource,
  ConfigResourceType,
  ConfigSource,
  DescribeConfigsOptions,
  ResourceConfigs,
} from "./configs.ts";
export type { GroupOffset, NewGroupOffset } from "./group-offsets.ts";
export type { GroupDescription, GroupListing, GroupMemberDescription, ListGroupsOptions } from "./groups.ts";
export type { FoundOffset, ListOffsetsOptions, OffsetQuery, OffsetSpec } from "./list-offsets.ts";
export { PartialFailureError, type ResourceFailure } from "./partial-failure.ts";
export type { TopicPartition } from "./topic-partitions.ts";
export type {
  CreatedTopic,
  CreateTopicsOptions,
  NewTopic,
  PartitionsIncrease,
  TopicDescription,
  TopicListing,
  TopicPartitionDescription,
} from "./topics.ts";
