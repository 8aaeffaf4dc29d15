import type { CallOptions, ClientOptions } from "@ottla/client";
import { ClusterClient, watchedOptions } from "@ottla/client/internal";
import { type AbortTransactionSpec, abortTransaction } from "./abort-transaction.ts";
import { checkGroupId, checkOpenTransaction, checkOptions, listOf, optionalListOf } from "./call-arguments.ts";
import {
  type AlterClientQuotasOptions,
  alterClientQuotas,
  type ClientQuotaAlteration,
  type ClientQuotas,
  type DescribeClientQuotasOptions,
  describeClientQuotas,
} from "./client-quotas.ts";
import {
  type ClusterDescription,
  type DescribeClusterOptions,
  describeCluster,
  describeFeatures,
  type FeaturesDescription,
  unregisterBroker,
} from "./cluster.ts";
import {
  type AlterConfigsOptions,
  type ConfigAlteration,
  type ConfigQuery,
  type ConfigResource,
  type DescribeConfigsOptions,
  describeConfigs,
  incrementalAlterConfigs,
  type ListConfigResourcesOptions,
  listConfigResources,
  type ResourceConfigs,
} from "./configs.ts";
import { describeGroups, type GroupDescription } from "./describe-groups.ts";
import { type DescribeTopicsOptions, describeTopics, type TopicDescription } from "./describe-topics.ts";
import {
  alterGroupOffsets,
  deleteGroupOffsets,
  type GroupOffset,
  listGroupOffsets,
  type NewGroupOffset,
} from "./group-offsets.ts";
import { deleteGroups, type GroupListing, type ListGroupsOptions, listGroups } from "./groups.ts";
import { type ElectionType, electLeaders } from "./leader-elections.ts";
import { type FoundOffset, type ListOffsetsOptions, listOffsets, type OffsetQuery } from "./list-offsets.ts";
import {
  alterReplicaLogDirs,
  type DescribeLogDirsOptions,
  describeLogDirs,
  describeReplicaLogDirs,
  type LogDir,
  type NewReplicaLogDir,
  type ReplicaLogDirs,
  type TopicPartitionReplica,
} from "./log-dirs.ts";
import { describeProducers, type PartitionProducers } from "./producers.ts";
import type { BulkOptions } from "./progress.ts";
import {
  alterPartitionReassignments,
  listPartitionReassignments,
  type NewPartitionReassignment,
  type PartitionReassignment,
} from "./reassignments.ts";
import { type DeletedRecords, deleteRecords, type RecordsDeletion } from "./records.ts";
import type { TopicPartition } from "./topic-partitions.ts";
import {
  type CreatedTopic,
  type CreateTopicsOptions,
  createPartitions,
  createTopics,
  type DeleteTopicsOptions,
  deleteTopics,
  listTopics,
  type NewTopic,
  type PartitionsIncrease,
  type TopicListing,
  type TopicRef,
} from "./topics.ts";
import {
  describeTransactions,
  type ListTransactionsOptions,
  listTransactions,
  type TransactionDescription,
  type TransactionListing,
} from "./transactions.ts";

/** Options of an {@link Admin}: those that all clients share. */
export interface AdminOptions extends ClientOptions {}

/**
 * Looks after a cluster: topics, partitions, configs, groups and their offsets.
 *
 * Failures that may heal are tried again until `defaultApiTimeoutMs` (or the call's own `timeoutMs`) is over. An
 * operation on several resources that fails for some of them rejects with PartialFailureError, which names each; the
 * others were done. Those that may take many requests tell how far they are through the option `onProgress`.
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
    const [watched, refuseOthers] = watchedOptions("Admin", options);
    this.#client = new ClusterClient(watched, {
      component: "The admin client",
      allowAutoTopicCreation: false,
      isAdmin: true,
    });
    refuseOthers();
  }

  /**
   * Creates topics. Fails with TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG and others, per topic. What a quota of
   * the client refuses (`controller_mutation_rate`) is asked for again when it may be, unless `retryOnQuotaViolation` is false.
   */
  async createTopics(topics: readonly NewTopic[], options: CreateTopicsOptions = {}): Promise<CreatedTopic[]> {
    return await createTopics(this.#client, listOf("createTopics", topics, options), options);
  }

  /**
   * Deletes topics, by name or id, with all their records. Fails with UNKNOWN_TOPIC_OR_PARTITION or UNKNOWN_TOPIC_ID,
   * per topic. A quota of the client holds it back as with {@link createTopics}.
   */
  async deleteTopics(topics: readonly TopicRef[], options: DeleteTopicsOptions = {}): Promise<void> {
    return await deleteTopics(this.#client, listOf("deleteTopics", topics, options), options);
  }

  /** All topics in the order of their names; internal ones (`__consumer_offsets`) only when asked for. */
  async listTopics(options: CallOptions & { readonly includeInternal?: boolean } = {}): Promise<TopicListing[]> {
    checkOptions("listTopics", options, { includeInternal: "boolean?" });
    return await listTopics(this.#client, options);
  }

  /**
   * Partitions, leaders and replicas of topics, by name or id, in their order; topics of any size, as brokers are asked
   * for one page after the other. Fails with UNKNOWN_TOPIC_OR_PARTITION or UNKNOWN_TOPIC_ID, per topic.
   */
  async describeTopics(topics: readonly TopicRef[], options: DescribeTopicsOptions = {}): Promise<TopicDescription[]> {
    return await describeTopics(this.#client, listOf("describeTopics", topics, options), options);
  }

  /**
   * Adds partitions, so that topics have the given totals. Keys may map to other partitions from then on. A quota of the client
   * holds it back as with {@link createTopics}.
   */
  async createPartitions(increases: readonly PartitionsIncrease[], options: CreateTopicsOptions = {}): Promise<void> {
    return await createPartitions(this.#client, listOf("createPartitions", increases, options), options);
  }

  /**
   * Moves replicas of partitions to other brokers (KIP-455), or cancels that. Resolves when it has begun:
   * {@link listPartitionReassignments} tells what is under way. Fails with INVALID_REPLICA_ASSIGNMENT,
   * NO_REASSIGNMENT_IN_PROGRESS and others, per partition.
   */
  async alterPartitionReassignments(
    reassignments: readonly NewPartitionReassignment[],
    options: CallOptions = {},
  ): Promise<void> {
    return await alterPartitionReassignments(
      this.#client,
      listOf("alterPartitionReassignments", reassignments, options),
      options,
    );
  }

  /** Partitions whose replicas are being moved: of those given, or of all. */
  async listPartitionReassignments(
    options: CallOptions & { readonly partitions?: readonly TopicPartition[] } = {},
  ): Promise<PartitionReassignment[]> {
    checkOptions("listPartitionReassignments", options, {}, ["partitions"]);
    const { partitions, ...call } = options;
    const list = optionalListOf("listPartitionReassignments", partitions);
    return await listPartitionReassignments(this.#client, list, call);
  }

  /**
   * Elects leaders (KIP-183, KIP-460): of the partitions given, or of all with null. `"preferred"` gives leadership back to
   * the first of a partition's replicas; `"unclean"` has one lead that is not in sync, where none in sync is left, and **loses
   * what it lacks**. Gives the partitions that have a new leader. Fails with ELECTION_NOT_NEEDED (of the partitions given
   * alone), PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE and others, per partition.
   */
  async electLeaders(
    electionType: ElectionType,
    partitions: readonly TopicPartition[] | null,
    options: CallOptions = {},
  ): Promise<TopicPartition[]> {
    const list = partitions === null ? null : listOf("electLeaders", partitions, options);
    checkOptions("electLeaders", options);
    return await electLeaders(this.#client, electionType, list, options);
  }

  /**
   * Deletes the records before an offset of each partition, for good. Gives where each begins now. Fails with
   * OFFSET_OUT_OF_RANGE, POLICY_VIOLATION (a compacted topic) and others, per partition.
   */
  async deleteRecords(deletions: readonly RecordsDeletion[], options: BulkOptions = {}): Promise<DeletedRecords[]> {
    return await deleteRecords(this.#client, listOf("deleteRecords", deletions, options), options);
  }

  /** Configs of topics, brokers or groups, with where each value comes from. */
  async describeConfigs(
    queries: readonly ConfigQuery[],
    options: DescribeConfigsOptions = {},
  ): Promise<ResourceConfigs[]> {
    return await describeConfigs(this.#client, listOf("describeConfigs", queries, options), options);
  }

  /** Changes single configs and leaves the others as they are (KIP-339). Each resource changes wholly or not at all. */
  async incrementalAlterConfigs(
    alterations: readonly ConfigAlteration[],
    options: AlterConfigsOptions = {},
  ): Promise<void> {
    return await incrementalAlterConfigs(
      this.#client,
      listOf("incrementalAlterConfigs", alterations, options),
      options,
    );
  }

  /** What has configs: topics, brokers, and the groups and client metrics subscriptions with configs of their own. */
  async listConfigResources(options: ListConfigResourcesOptions = {}): Promise<ConfigResource[]> {
    checkOptions("listConfigResources", options, { types: "list?" });
    return await listConfigResources(this.#client, options);
  }

  /** The quotas that are set, of all entities or of those that fit a filter (KIP-546). */
  async describeClientQuotas(options: DescribeClientQuotasOptions = {}): Promise<ClientQuotas[]> {
    checkOptions("describeClientQuotas", options, { strict: "boolean?" }, ["filter"]);
    const filter = optionalListOf("describeClientQuotas", options.filter);
    return await describeClientQuotas(this.#client, { ...options, ...(filter && { filter }) });
  }

  /**
   * Sets and removes quotas of users, client ids and addresses (KIP-546): those of one entity all or none. Clients above
   * their quota are answered, told to wait (`throttle_time_ms`), and not read from until then. Fails with INVALID_REQUEST,
   * per entity.
   *
   * ```ts
   * await admin.alterClientQuotas([{ entity: { clientId: "importer" }, quotas: { producer_byte_rate: 1_000_000 } }]);
   * ```
   */
  async alterClientQuotas(
    alterations: readonly ClientQuotaAlteration[],
    options: AlterClientQuotasOptions = {},
  ): Promise<void> {
    return await alterClientQuotas(this.#client, listOf("alterClientQuotas", alterations, options), options);
  }

  /** The cluster's id, controller and brokers. */
  async describeCluster(options: DescribeClusterOptions = {}): Promise<ClusterDescription> {
    checkOptions("describeCluster", options, { includeFencedBrokers: "boolean?" });
    return await describeCluster(this.#client, options);
  }

  /**
   * Has the cluster forget a broker that has ended for good (KIP-631): one whose replicas were moved away and that
   * was stopped. One that still runs registers itself again. Fails with BROKER_ID_NOT_REGISTERED.
   */
  async unregisterBroker(brokerId: number, options: CallOptions = {}): Promise<void> {
    checkOptions("unregisterBroker", options);
    return await unregisterBroker(this.#client, brokerId, options);
  }

  /** The feature levels that the cluster has agreed on, and those that the broker asked could do (KIP-584). */
  async describeFeatures(options: CallOptions = {}): Promise<FeaturesDescription> {
    checkOptions("describeFeatures", options);
    return await describeFeatures(this.#client, options);
  }

  /**
   * The directories in which brokers keep their logs, with the size of each partition's. A directory that failed, or a
   * broker that cannot be asked, is a failure of its own.
   */
  async describeLogDirs(options: DescribeLogDirsOptions = {}): Promise<LogDir[]> {
    checkOptions("describeLogDirs", options, { brokers: "list?", partitions: "list?" });
    return await describeLogDirs(this.#client, options);
  }

  /**
   * In which directory of its broker each replica lies, and to which it is being moved, in the order of `replicas`. Fails
   * per replica where its broker cannot be asked.
   */
  async describeReplicaLogDirs(
    replicas: readonly TopicPartitionReplica[],
    options: BulkOptions = {},
  ): Promise<ReplicaLogDirs[]> {
    return await describeReplicaLogDirs(this.#client, listOf("describeReplicaLogDirs", replicas, options), options);
  }

  /**
   * Moves replicas to other log directories of their brokers (KIP-113). Resolves when the moves have begun; how far they
   * are {@link describeReplicaLogDirs} tells. A broker that has no such replica yet keeps in mind where it is to lie, and
   * answers with REPLICA_NOT_AVAILABLE. Fails with LOG_DIR_NOT_FOUND and KAFKA_STORAGE_ERROR, per replica.
   */
  async alterReplicaLogDirs(replicas: readonly NewReplicaLogDir[], options: BulkOptions = {}): Promise<void> {
    return await alterReplicaLogDirs(this.#client, listOf("alterReplicaLogDirs", replicas, options), options);
  }

  /** The idempotent and transactional producers that the leaders of partitions remember. */
  async describeProducers(
    partitions: readonly TopicPartition[],
    options: BulkOptions = {},
  ): Promise<PartitionProducers[]> {
    return await describeProducers(this.#client, listOf("describeProducers", partitions, options), options);
  }

  /** The groups of all brokers in the order of their ids. */
  async listGroups(options: ListGroupsOptions = {}): Promise<GroupListing[]> {
    checkOptions("listGroups", options, { states: "list?", types: "list?" });
    return await listGroups(this.#client, options);
  }

  /** State and members of groups, of both protocols. Fails with GROUP_ID_NOT_FOUND, per group. */
  async describeGroups(groupIds: readonly string[], options: BulkOptions = {}): Promise<GroupDescription[]> {
    return await describeGroups(this.#client, listOf("describeGroups", groupIds, options), options);
  }

  /** Deletes groups and their offsets. Fails with NON_EMPTY_GROUP and GROUP_ID_NOT_FOUND, per group. */
  async deleteGroups(groupIds: readonly string[], options: BulkOptions = {}): Promise<void> {
    return await deleteGroups(this.#client, listOf("deleteGroups", groupIds, options), options);
  }

  /** Ends of partitions, or offsets by time, in the order of the queries. */
  async listOffsets(queries: readonly OffsetQuery[], options: ListOffsetsOptions = {}): Promise<FoundOffset[]> {
    return await listOffsets(this.#client, listOf("listOffsets", queries, options), options);
  }

  /** What a group has committed: for the given partitions, or all. Partitions without a commit are left out. */
  async listGroupOffsets(
    groupId: string,
    options: CallOptions & { readonly partitions?: readonly TopicPartition[] } = {},
  ): Promise<GroupOffset[]> {
    checkGroupId("listGroupOffsets", groupId);
    checkOptions("listGroupOffsets", options, {}, ["partitions"]);
    const { partitions, ...call } = options;
    return await listGroupOffsets(this.#client, groupId, optionalListOf("listGroupOffsets", partitions), call);
  }

  /** Commits offsets for a group without members. Fails with UNKNOWN_MEMBER_ID while it has some. */
  async alterGroupOffsets(
    groupId: string,
    offsets: readonly NewGroupOffset[],
    options: CallOptions = {},
  ): Promise<void> {
    checkGroupId("alterGroupOffsets", groupId);
    return await alterGroupOffsets(this.#client, groupId, listOf("alterGroupOffsets", offsets, options), options);
  }

  /** Forgets what a group has committed for partitions that no member of it reads. */
  async deleteGroupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<void> {
    checkGroupId("deleteGroupOffsets", groupId);
    return await deleteGroupOffsets(this.#client, groupId, listOf("deleteGroupOffsets", partitions, options), options);
  }

  /** Transactional ids with the state of their transactions. */
  async listTransactions(options: ListTransactionsOptions = {}): Promise<TransactionListing[]> {
    checkOptions("listTransactions", options, { states: "list?", producerIds: "list?" });
    return await listTransactions(this.#client, options);
  }

  /** What is known of transactional ids. Fails with TRANSACTIONAL_ID_NOT_FOUND, per id. */
  async describeTransactions(
    transactionalIds: readonly string[],
    options: BulkOptions = {},
  ): Promise<TransactionDescription[]> {
    return await describeTransactions(this.#client, listOf("describeTransactions", transactionalIds, options), options);
  }

  /**
   * Ends a transaction that hangs in one partition (KIP-664): its leader writes a marker that aborts it, as no coordinator
   * knows of it that would. **Not for transactions that a coordinator knows**: those end by their timeout, and what they
   * have in other partitions would stay. Which hang, {@link describeProducers} and {@link describeTransactions} tell together.
   * Fails with INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, UNKNOWN_TOPIC_OR_PARTITION and others.
   */
  async abortTransaction(transaction: AbortTransactionSpec, options: CallOptions = {}): Promise<void> {
    checkOpenTransaction(transaction);
    checkOptions("abortTransaction", options);
    return await abortTransaction(this.#client, transaction, options);
  }

  /** Closes the connections; calls under way reject with code `CLOSED`. Closing twice is harmless. */
  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
