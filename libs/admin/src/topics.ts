import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import {
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  ErrorCode,
  metadataApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { checkResources, codeToRetry } from "./partial-failure.ts";

/** A topic to create. */
export interface NewTopic {
  readonly name: string;
  /** Default: the broker's `num.partitions`. Not with `assignments`. */
  readonly partitions?: number;
  /** Default: the broker's `default.replication.factor`. Not with `assignments`. */
  readonly replicationFactor?: number;
  /** Broker ids of each partition's replicas, the preferred leader first: `assignments[partition]`. */
  readonly assignments?: readonly (readonly number[])[];
  /** Topic configs under Kafka's keys, such as `{ "retention.ms": "60000" }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
}

export interface CreateTopicsOptions extends CallOptions {
  /** Checks everything and creates nothing. Default false. */
  readonly validateOnly?: boolean;
}

/** A topic that was created. */
export interface CreatedTopic {
  readonly name: string;
  /** Its id (KIP-516); all zeros from brokers before Kafka 2.8. */
  readonly topicId: string;
  /** -1 from brokers before Kafka 2.4. */
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** A topic as `listTopics` gives it. */
export interface TopicListing {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
}

/** A topic as `describeTopics` gives it. */
export interface TopicDescription extends TopicListing {
  /** By partition number. */
  readonly partitions: readonly TopicPartitionDescription[];
}

export interface TopicPartitionDescription {
  readonly partition: number;
  /** Broker id, -1 while there is no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** The number of partitions that a topic shall have. */
export interface PartitionsIncrease {
  readonly topic: string;
  /** The new total. */
  readonly count: number;
  /** Broker ids of each new partition's replicas. Default: the broker chooses. */
  readonly assignments?: readonly (readonly number[])[];
}

const BROKERS_DEFAULT = -1;

const HEALED_BY_CONTROLLER = [ErrorCode.NOT_CONTROLLER];

export async function createTopics(
  client: ClusterClient,
  topics: readonly NewTopic[],
  options: CreateTopicsOptions,
): Promise<CreatedTopic[]> {
  const { validateOnly = false, ...call } = options;
  const timeoutMs = client.settings.requestTimeoutMs;
  const request = { topics: topics.map(toCreatableTopic), timeoutMs, validateOnly };
  const response = await client.ask("controller", createTopicsApi, request, {
    ...call,
    errorOf: (answer) => codeToRetry(answer.topics, HEALED_BY_CONTROLLER),
  });
  checkResources(
    "createTopics",
    response.topics.map((topic) => ({ resource: topic.name, ...topic })),
  );
  return response.topics.map(({ name, topicId, numPartitions, replicationFactor }) => {
    return { name, topicId, partitions: numPartitions, replicationFactor };
  });
}

function toCreatableTopic({ name, partitions, replicationFactor, assignments = [], configs = {} }: NewTopic) {
  const assigned = assignments.length > 0;
  return {
    name,
    numPartitions: assigned ? BROKERS_DEFAULT : (partitions ?? BROKERS_DEFAULT),
    replicationFactor: assigned ? BROKERS_DEFAULT : (replicationFactor ?? BROKERS_DEFAULT),
    assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  };
}

export async function deleteTopics(
  client: ClusterClient,
  names: readonly string[],
  options: CallOptions,
): Promise<void> {
  const timeoutMs = client.settings.requestTimeoutMs;
  const request = (version: number) =>
    version >= 6
      ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs }
      : { topicNames: names, timeoutMs };
  const response = await client.ask("controller", deleteTopicsApi, request, {
    ...options,
    errorOf: (answer) => codeToRetry(answer.responses, HEALED_BY_CONTROLLER),
  });
  checkResources(
    "deleteTopics",
    response.responses.map((topic) => ({ ...topic, resource: topic.name ?? topic.topicId })),
  );
}

export async function createPartitions(
  client: ClusterClient,
  increases: readonly PartitionsIncrease[],
  options: CreateTopicsOptions,
): Promise<void> {
  const { validateOnly = false, ...call } = options;
  const topics = increases.map(({ topic, count, assignments }) => ({
    name: topic,
    count,
    assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
  }));
  const request = { topics, timeoutMs: client.settings.requestTimeoutMs, validateOnly };
  const response = await client.ask("controller", createPartitionsApi, request, {
    ...call,
    errorOf: (answer) => codeToRetry(answer.results, HEALED_BY_CONTROLLER),
  });
  checkResources(
    "createPartitions",
    response.results.map((topic) => ({ resource: topic.name, ...topic })),
  );
}

export async function listTopics(
  client: ClusterClient,
  { includeInternal = false, ...call }: CallOptions & { readonly includeInternal?: boolean },
): Promise<TopicListing[]> {
  const response = await client.ask("any", metadataApi, { topics: null, allowAutoTopicCreation: false }, call);
  return response.topics
    .filter((topic) => topic.errorCode === ErrorCode.NONE && (includeInternal || !topic.isInternal))
    .map(({ name, topicId, isInternal }) => ({ name: name ?? "", topicId, isInternal }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function describeTopics(
  client: ClusterClient,
  names: readonly string[],
  options: CallOptions,
): Promise<TopicDescription[]> {
  if (names.length === 0) return []; // no topics would mean all of them
  const request = { topics: names.map((name) => ({ name })), allowAutoTopicCreation: false };
  const response = await client.ask("any", metadataApi, request, {
    ...options,
    errorOf: (answer) => codeToRetry(answer.topics, [ErrorCode.LEADER_NOT_AVAILABLE]),
  });
  checkResources(
    "describeTopics",
    response.topics.map(({ name, errorCode }) => ({ resource: name ?? "", errorCode })),
  );
  return response.topics.map(({ name, topicId, isInternal, partitions }) => ({
    name: name ?? "",
    topicId,
    isInternal,
    partitions: partitions
      .map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes, offlineReplicas }) => ({
        partition: partitionIndex,
        leader: leaderId,
        leaderEpoch,
        replicas: replicaNodes,
        inSyncReplicas: isrNodes,
        offlineReplicas,
      }))
      .sort((a, b) => a.partition - b.partition),
  }));
}
