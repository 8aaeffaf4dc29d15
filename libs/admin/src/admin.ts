import type { CallOptions, ClientOptions } from "@ottla/client";
import { ClusterClient } from "@ottla/client/internal";
import { type ClusterDescription, describeCluster } from "./cluster.ts";
import {
  type ConfigAlteration,
  type ConfigQuery,
  type DescribeConfigsOptions,
  describeConfigs,
  incrementalAlterConfigs,
  type ResourceConfigs,
} from "./configs.ts";
import {
  alterGroupOffsets,
  deleteGroupOffsets,
  type GroupOffset,
  listGroupOffsets,
  type NewGroupOffset,
} from "./group-offsets.ts";
import {
  deleteGroups,
  describeGroups,
  type GroupDescription,
  type GroupListing,
  type ListGroupsOptions,
  listGroups,
} from "./groups.ts";
import { type FoundOffset, type ListOffsetsOptions, listOffsets, type OffsetQuery } from "./list-offsets.ts";
import type { TopicPartition } from "./topic-partitions.ts";
import {
  type CreatedTopic,
  type CreateTopicsOptions,
  createPartitions,
  createTopics,
  deleteTopics,
  describeTopics,
  listTopics,
  type NewTopic,
  type PartitionsIncrease,
  type TopicDescription,
  type TopicListing,
} from "./topics.ts";

/** Options of an {@link Admin}: those that all clients share. */
export interface AdminOptions extends ClientOptions {}

/**
 * Looks after a cluster: topics, partitions, configs, groups and their offsets.
 *
 * Failures that may heal are tried again until `defaultApiTimeoutMs` (or the call's own `timeoutMs`) is over. An
 * operation on several resources that fails for some of them rejects with PartialFailureError, which names each; the
 * others were done.
 *
 * ```ts
 * await using admin = new Admin({ bootstrapServers: "localhost:9092" });
 * await admin.createTopics([{ name: "orders", partitions: 6 }]);
 * ```
 */
export class Admin implements AsyncDisposable {
  readonly #client: ClusterClient;

  /** Connects with the first call. @throws KafkaError INVALID_CONFIG when an option is wrong */
  constructor(options: AdminOptions) {
    this.#client = new ClusterClient(options, { component: "The admin client", allowAutoTopicCreation: false });
  }

  /** Creates topics. Fails with TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG and others, per topic. */
  createTopics(topics: readonly NewTopic[], options: CreateTopicsOptions = {}): Promise<CreatedTopic[]> {
    return createTopics(this.#client, topics, options);
  }

  /** Deletes topics with all their records. Fails with UNKNOWN_TOPIC_OR_PARTITION, per topic. */
  deleteTopics(names: readonly string[], options: CallOptions = {}): Promise<void> {
    return deleteTopics(this.#client, names, options);
  }

  /** All topics in the order of their names; internal ones (`__consumer_offsets`) only when asked for. */
  listTopics(options: CallOptions & { readonly includeInternal?: boolean } = {}): Promise<TopicListing[]> {
    return listTopics(this.#client, options);
  }

  /** Partitions, leaders and replicas of topics. Fails with UNKNOWN_TOPIC_OR_PARTITION, per topic. */
  describeTopics(names: readonly string[], options: CallOptions = {}): Promise<TopicDescription[]> {
    return describeTopics(this.#client, names, options);
  }

  /** Adds partitions, so that topics have the given totals. Keys may map to other partitions from then on. */
  createPartitions(increases: readonly PartitionsIncrease[], options: CreateTopicsOptions = {}): Promise<void> {
    return createPartitions(this.#client, increases, options);
  }

  /** Configs of topics, brokers or groups, with where each value comes from. */
  describeConfigs(queries: readonly ConfigQuery[], options: DescribeConfigsOptions = {}): Promise<ResourceConfigs[]> {
    return describeConfigs(this.#client, queries, options);
  }

  /** Changes single configs and leaves the others as they are (KIP-339). Each resource changes wholly or not at all. */
  incrementalAlterConfigs(
    alterations: readonly ConfigAlteration[],
    options: CallOptions & { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    return incrementalAlterConfigs(this.#client, alterations, options);
  }

  /** The cluster's id, controller and brokers. */
  describeCluster(options: CallOptions = {}): Promise<ClusterDescription> {
    return describeCluster(this.#client, options);
  }

  /** The groups of all brokers in the order of their ids. */
  listGroups(options: ListGroupsOptions = {}): Promise<GroupListing[]> {
    return listGroups(this.#client, options);
  }

  /** State and members of classic groups. Fails with GROUP_ID_NOT_FOUND, per group. */
  describeGroups(groupIds: readonly string[], options: CallOptions = {}): Promise<GroupDescription[]> {
    return describeGroups(this.#client, groupIds, options);
  }

  /** Deletes groups and their offsets. Fails with NON_EMPTY_GROUP and GROUP_ID_NOT_FOUND, per group. */
  deleteGroups(groupIds: readonly string[], options: CallOptions = {}): Promise<void> {
    return deleteGroups(this.#client, groupIds, options);
  }

  /** Ends of partitions, or offsets by time, in the order of the queries. */
  listOffsets(queries: readonly OffsetQuery[], options: ListOffsetsOptions = {}): Promise<FoundOffset[]> {
    return listOffsets(this.#client, queries, options);
  }

  /** What a group has committed: for the given partitions, or all. Partitions without a commit are left out. */
  listGroupOffsets(
    groupId: string,
    options: CallOptions & { readonly partitions?: readonly TopicPartition[] } = {},
  ): Promise<GroupOffset[]> {
    const { partitions, ...call } = options;
    return listGroupOffsets(this.#client, groupId, partitions, call);
  }

  /** Commits offsets for a group without members. Fails with UNKNOWN_MEMBER_ID while it has some. */
  alterGroupOffsets(groupId: string, offsets: readonly NewGroupOffset[], options: CallOptions = {}): Promise<void> {
    return alterGroupOffsets(this.#client, groupId, offsets, options);
  }

  /** Forgets what a group has committed for partitions that no member of it reads. */
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[], options: CallOptions = {}): Promise<void> {
    return deleteGroupOffsets(this.#client, groupId, partitions, options);
  }

  /** Closes the connections; calls under way reject with code `CLOSED`. Closing twice is harmless. */
  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
