import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import {
  type CreatePartitionsResponse,
  type CreateTopicsResponse,
  createPartitionsApi,
  createTopicsApi,
  type DeleteTopicsResponse,
  deleteTopicsApi,
  ErrorCode,
  metadataApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { despiteQuota, type QuotaRetryOptions } from "./despite-quota.ts";
import { checkResources, codeToRetry, resultsOf } from "./partial-failure.ts";
import { type BulkOptions, inChunks } from "./progress.ts";
import { requireVersion } from "./unsupported.ts";

/** A topic to create. */
export interface NewTopic {
  /** Up to 249 letters, digits, dots, underscores and hyphens. */
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

/** How topics and partitions are created. */
export interface CreateTopicsOptions extends BulkOptions, QuotaRetryOptions {
  /** Checks everything and creates nothing. Default false. */
  readonly validateOnly?: boolean;
}

/** How topics are deleted. */
export interface DeleteTopicsOptions extends BulkOptions, QuotaRetryOptions {}

/** A topic that was created. */
export interface CreatedTopic {
  /** The name of the topic. */
  readonly name: string;
  /** Its id (KIP-516); all zeros from brokers before Kafka 2.8. */
  readonly topicId: string;
  /** -1 from brokers before Kafka 2.4. */
  readonly partitions: number;
  /** Replicas of each partition; -1 from brokers before Kafka 2.4. */
  readonly replicationFactor: number;
}

/** A topic by its name, or by its id (KIP-516): ids tell apart topics that had the same name one after the other. */
export type TopicRef = string | { readonly topicId: string };

/** A topic as `listTopics` gives it. */
export interface TopicListing {
  /** The name of the topic. */
  readonly name: string;
  /** Its id (KIP-516); all zeros from brokers before Kafka 2.8. */
  readonly topicId: string;
  /** Whether it is the cluster's own, such as `__consumer_offsets`. */
  readonly isInternal: boolean;
}

/** The number of partitions that a topic shall have. */
export interface PartitionsIncrease {
  /** The name of the topic. */
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
  const { validateOnly = false, onProgress, ...call } = options;
  const timeoutMs = client.settings.requestTimeoutMs;
  const creation = {
    name: "createTopics",
    keyOf: ({ name }: NewTopic) => name,
    keyOfAnswer: ({ name }: CreateTopicsResponse["topics"][number]) => name,
    ask: async (chunk: readonly NewTopic[], left: CallOptions) => {
      const request = { topics: chunk.map(toCreatableTopic), timeoutMs, validateOnly };
      const { throttleTimeMs, topics: answers } = await client.ask("controller", createTopicsApi, request, {
        ...left,
        errorOf: (answer) => codeToRetry(answer.topics, HEALED_BY_CONTROLLER),
      });
      return { throttleTimeMs, answers };
    },
  };
  const answers = await inChunks(topics, onProgress, (chunk) => despiteQuota(client, creation, chunk, call));
  return resultsOf(
    "createTopics",
    answers,
    (topic) => ({ resource: topic.name, ...topic }),
    ({ name, topicId, numPartitions, replicationFactor }) => {
      return { name, topicId, partitions: numPartitions, replicationFactor };
    },
  );
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
  topics: readonly TopicRef[],
  { onProgress, ...call }: DeleteTopicsOptions,
): Promise<void> {
  const timeoutMs = client.settings.requestTimeoutMs;
  const asked = new Set(topics);
  // An answer may tell both name and id: the resource is what was asked for.
  const resourceOf = ({ name, topicId }: DeleteTopicsResponse["responses"][number]) =>
    name !== null && asked.has(name) ? name : topicId;
  const deletion = {
    name: "deleteTopics",
    keyOf: (topic: TopicRef) => (typeof topic === "string" ? topic : topic.topicId),
    keyOfAnswer: resourceOf,
    ask: async (chunk: readonly TopicRef[], left: CallOptions) => {
      const body = (version: number) => ({ ...deletionOf(chunk, version), timeoutMs });
      const { throttleTimeMs, responses: answers } = await client.ask("controller", deleteTopicsApi, body, {
        ...left,
        errorOf: (answer) => codeToRetry(answer.responses, HEALED_BY_CONTROLLER),
      });
      return { throttleTimeMs, answers };
    },
  };
  const responses = await inChunks(topics, onProgress, (chunk) => despiteQuota(client, deletion, chunk, call));
  checkResources(
    "deleteTopics",
    responses.map((answer) => ({ ...answer, resource: resourceOf(answer) })),
  );
}

const FIRST_DELETE_VERSION_BY_ID = 6;

function deletionOf(topics: readonly TopicRef[], version: number) {
  const names = topics.filter((topic) => typeof topic === "string");
  if (names.length < topics.length) {
    requireVersion("Deleting topics by id", deleteTopicsApi, version, FIRST_DELETE_VERSION_BY_ID);
  }
  if (version < FIRST_DELETE_VERSION_BY_ID) return { topicNames: names };
  return {
    topics: topics.map((topic) => {
      return typeof topic === "string" ? { name: topic, topicId: ZERO_UUID } : { name: null, topicId: topic.topicId };
    }),
  };
}

export async function createPartitions(
  client: ClusterClient,
  increases: readonly PartitionsIncrease[],
  options: CreateTopicsOptions,
): Promise<void> {
  const { validateOnly = false, onProgress, ...call } = options;
  const timeoutMs = client.settings.requestTimeoutMs;
  const increase = {
    name: "createPartitions",
    keyOf: ({ topic }: PartitionsIncrease) => topic,
    keyOfAnswer: ({ name }: CreatePartitionsResponse["results"][number]) => name,
    ask: async (chunk: readonly PartitionsIncrease[], left: CallOptions) => {
      const request = { topics: chunk.map(toMorePartitions), timeoutMs, validateOnly };
      const { throttleTimeMs, results: answers } = await client.ask("controller", createPartitionsApi, request, {
        ...left,
        errorOf: (answer) => codeToRetry(answer.results, HEALED_BY_CONTROLLER),
      });
      return { throttleTimeMs, answers };
    },
  };
  const results = await inChunks(increases, onProgress, (chunk) => despiteQuota(client, increase, chunk, call));
  checkResources(
    "createPartitions",
    results.map((topic) => ({ resource: topic.name, ...topic })),
  );
}

function toMorePartitions({ topic, count, assignments }: PartitionsIncrease) {
  return { name: topic, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null };
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
