import type { ClusterClient } from "@ottla/client/internal";
import {
  type DescribeTopicPartitionsResponse,
  describeTopicPartitionsApi,
  ErrorCode,
  KafkaError,
  metadataApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { codeToRetry, type ResourceStatus, resultsOf } from "./partial-failure.ts";
import type { BulkOptions } from "./progress.ts";
import type { TopicListing, TopicRef } from "./topics.ts";
import { requireVersion } from "./unsupported.ts";

/** A topic as `describeTopics` gives it. */
export interface TopicDescription extends TopicListing {
  /** By partition number. */
  readonly partitions: readonly TopicPartitionDescription[];
}

/** A partition as `describeTopics` gives it. */
export interface TopicPartitionDescription {
  /** The number of the partition, from 0. */
  readonly partition: number;
  /** Broker id, -1 while there is no leader. */
  readonly leader: number;
  /** How often the partition has changed its leader; -1 if unknown. */
  readonly leaderEpoch: number;
  /** Ids of the brokers that hold it, the preferred leader first. */
  readonly replicas: readonly number[];
  /** Ids of those that have all that is committed. */
  readonly inSyncReplicas: readonly number[];
  /** Ids of those that are down, or whose disk is. */
  readonly offlineReplicas: readonly number[];
  /** Replicas out of sync that may lead without loss (KIP-966); null where the broker does not tell. */
  readonly eligibleLeaderReplicas: readonly number[] | null;
  /** The last of those, where they had to be given up; null where the broker does not tell. */
  readonly lastKnownEligibleLeaderReplicas: readonly number[] | null;
}

/** How topics are described. */
export interface DescribeTopicsOptions extends BulkOptions {
  /**
   * The most partitions of one response; further ones are asked for from where it ends (KIP-966). Default 2,000, which
   * is also the most that brokers give by default.
   */
  readonly partitionsPerResponse?: number;
}

/** Where a page begins. */
interface Cursor {
  readonly topicName: string;
  readonly partitionIndex: number;
}

interface Described extends ResourceStatus {
  readonly topic: TopicDescription;
}

const PARTITIONS_PER_RESPONSE = 2_000;
const FIRST_METADATA_VERSION_BY_ID = 12;

export async function describeTopics(
  client: ClusterClient,
  topics: readonly TopicRef[],
  options: DescribeTopicsOptions,
): Promise<TopicDescription[]> {
  const names = topics.filter((topic) => typeof topic === "string");
  const ids = topics.filter((topic) => typeof topic !== "string").map(({ topicId }) => topicId);
  const byName = names.length === 0 ? [] : await describeByName(client, [...new Set(names)], options);
  const byId = ids.length === 0 ? [] : await describeById(client, ids, options);
  const found = new Map<string, Described>();
  for (const described of [...byName, ...byId]) found.set(described.resource, described);
  return resultsOf(
    "describeTopics",
    topics.map((topic) => {
      const resource = typeof topic === "string" ? topic : topic.topicId;
      return found.get(resource) ?? missing(resource);
    }),
    (described) => described,
    ({ topic }) => topic,
  );
}

/** Page by page, where the broker can. */
async function describeByName(
  client: ClusterClient,
  names: readonly string[],
  { partitionsPerResponse = PARTITIONS_PER_RESPONSE, onProgress, ...call }: DescribeTopicsOptions,
): Promise<Described[]> {
  const deadline = client.deadline("describeTopics", call);
  const topics = [...names].sort().map((name) => ({ name }));
  const described: Described[] = [];
  let cursor: Cursor | null = null;
  try {
    do {
      const from: Cursor | null = cursor;
      const request = {
        topics: from === null ? topics : topics.filter(({ name }) => name >= from.topicName),
        responsePartitionLimit: partitionsPerResponse,
        cursor: from,
      };
      const page = { signal: deadline.signal, timeoutMs: deadline.remainingMs };
      const response: DescribeTopicPartitionsResponse = await client.ask(
        "any",
        describeTopicPartitionsApi,
        request,
        page,
      );
      for (const topic of response.topics) addPage(described, toDescribed(topic.name ?? "", topic));
      cursor = response.nextCursor;
      if (cursor !== null && from !== null && !isBeyond(cursor, from)) throw stuck();
      onProgress?.({ completed: cursor === null ? names.length : described.length - 1, total: names.length });
    } while (cursor !== null);
    return described;
  } catch (error) {
    if (described.length > 0 || !(error instanceof KafkaError) || error.code !== "UNSUPPORTED_VERSION") throw error;
    return await describeByMetadata(
      client,
      names.map((name) => ({ name })),
      call,
    );
  }
}

/** The first topic of a page may go on with the last one of the page before. */
function addPage(described: Described[], next: Described): void {
  const last = described.at(-1);
  if (last === undefined || last.resource !== next.resource) {
    described.push(next);
    return;
  }
  const partitions = [...last.topic.partitions, ...next.topic.partitions];
  described[described.length - 1] = { ...next, topic: { ...next.topic, partitions } };
}

function isBeyond(next: Cursor, from: Cursor): boolean {
  return next.topicName > from.topicName || next.partitionIndex > from.partitionIndex;
}

function stuck(): KafkaError {
  return KafkaError.fromCode(ErrorCode.UNKNOWN_SERVER_ERROR, "describeTopics: the broker's pages do not go on");
}

async function describeById(
  client: ClusterClient,
  ids: readonly string[],
  { partitionsPerResponse: _, onProgress, ...call }: DescribeTopicsOptions,
): Promise<Described[]> {
  const asked = ids.map((topicId) => ({ topicId, name: null }));
  const described = await describeByMetadata(client, asked, call, FIRST_METADATA_VERSION_BY_ID);
  onProgress?.({ completed: ids.length, total: ids.length });
  return described.map((one) => ({ ...one, resource: one.topic.topicId }));
}

async function describeByMetadata(
  client: ClusterClient,
  topics: readonly { readonly name: string | null; readonly topicId?: string }[],
  call: BulkOptions,
  minVersion = 0,
): Promise<Described[]> {
  const body = (version: number) => {
    requireVersion("Describing topics by id", metadataApi, version, minVersion);
    return { topics, allowAutoTopicCreation: false };
  };
  const response = await client.ask("any", metadataApi, body, {
    ...call,
    errorOf: (answer) => codeToRetry(answer.topics, [ErrorCode.LEADER_NOT_AVAILABLE]),
  });
  return response.topics.map((topic) => toDescribed(topic.name ?? "", topic));
}

function toDescribed(
  name: string,
  topic: {
    readonly errorCode: number;
    readonly topicId: string;
    readonly isInternal: boolean;
    readonly partitions: readonly PartitionAnswer[];
  },
): Described {
  const { errorCode, topicId, isInternal } = topic;
  const partitions = topic.partitions.map(toPartition).sort((a, b) => a.partition - b.partition);
  return { resource: name, errorCode, topic: { name, topicId, isInternal, partitions } };
}

interface PartitionAnswer {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
  readonly eligibleLeaderReplicas?: readonly number[] | null;
  readonly lastKnownElr?: readonly number[] | null;
}

function toPartition(partition: PartitionAnswer): TopicPartitionDescription {
  return {
    partition: partition.partitionIndex,
    leader: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    inSyncReplicas: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas ?? null,
    lastKnownEligibleLeaderReplicas: partition.lastKnownElr ?? null,
  };
}

function missing(resource: string): Described {
  const topic = { name: "", topicId: ZERO_UUID, isInternal: false, partitions: [] };
  return { resource, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic };
}
