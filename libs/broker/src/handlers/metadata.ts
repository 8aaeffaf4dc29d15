import { distinctBy, type MetadataImage, type TopicImage, topicById, topicNameProblem } from "@ottla/metadata";
import {
  ErrorCode,
  KafkaError,
  type MetadataRequest,
  metadataApi,
  type ResponseInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { apiHandler, type RequestContext } from "../api-handler.ts";
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from "../services/authorized-operations.ts";
import { endpointFields } from "../services/broker-endpoints.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { isInternalTopic } from "../services/internal-topics.ts";
import { describePartition, describeWithoutMissing } from "../services/partition-metadata.ts";

type MetadataResponseInput = ResponseInput<typeof metadataApi>;
type TopicResult = MetadataResponseInput["topics"][number];
type TopicQuery = NonNullable<MetadataRequest["topics"]>[number];

const LAST_VERSION_WITHOUT_MISSING_REPLICAS = 0;
const FIRST_VERSION_WITH_NULL_TOPICS = 1;
const FIRST_VERSION_WITH_LISTENER_ERROR = 6;
const FIRST_VERSION_WITH_URLS = 9;
const FIRST_VERSION_WITH_TOPIC_IDS = 10;
const FIRST_VERSION_WITH_NULL_NAMES = 12;
const FIRST_VERSION_WITH_ERROR = 13;

/**
 * Metadata: brokers, topics, leaders. A topic that is not there is created where the client and
 * `auto.create.topics.enable` allow it, and answered at once.
 */
export const metadataHandler = (broker: BrokerServices) =>
  apiHandler(
    metadataApi,
    { minVersion: 0, maxVersion: 13, errorResponse: wholeRequestFailed },
    async (request, context) => {
      const topics = await answerTopics(broker, request, context);
      return {
        brokers: answerBrokers(broker, context),
        clusterId: broker.clusterId,
        controllerId: broker.controller.controllerId,
        topics: request.includeTopicAuthorizedOperations ? topics.map(withOperations) : topics,
        ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }),
      };
    },
  );

function withOperations(topic: TopicResult): TopicResult {
  return { ...topic, topicAuthorizedOperations: TOPIC_OPERATIONS };
}

function wholeRequestFailed(
  { topics }: MetadataRequest,
  { errno }: { readonly errno: number },
  version: number,
): MetadataResponseInput {
  const failed = (topics ?? []).map((topic) => ({
    errorCode: errno,
    name: version < FIRST_VERSION_WITH_NULL_NAMES ? (topic.name ?? "") : topic.name,
    topicId: topic.topicId,
    partitions: [],
  }));
  return { brokers: [], topics: failed, ...(version >= FIRST_VERSION_WITH_ERROR && { errorCode: errno }) };
}

function answerBrokers(
  broker: BrokerServices,
  { apiVersion, connection }: RequestContext,
): MetadataResponseInput["brokers"] {
  return [...broker.image.brokers.values()]
    .filter(({ fenced }) => !fenced)
    .sort((a, b) => a.brokerId - b.brokerId)
    .map((other) => {
      const { host, port, url } = endpointFields(broker, other, connection);
      const entry = { nodeId: other.brokerId, host, port, rack: other.rack };
      return apiVersion >= FIRST_VERSION_WITH_URLS ? { ...entry, url } : entry;
    });
}

/** Null topics means all of them; so did an empty list in v0. */
async function answerTopics(
  broker: BrokerServices,
  request: MetadataRequest,
  context: RequestContext,
): Promise<readonly TopicResult[]> {
  const { topics } = request;
  const wantsAll = topics === null || (topics.length === 0 && context.apiVersion < FIRST_VERSION_WITH_NULL_TOPICS);
  if (wantsAll) return allTopics(broker.image).map((topic) => describeTopic(broker.image, topic, context.apiVersion));
  checkQueries(topics, context.apiVersion);
  const mayCreate = request.allowAutoTopicCreation && broker.config.require("auto.create.topics.enable");
  return Promise.all(distinct(broker.image, topics).map((query) => answerTopic(broker, query, mayCreate, context)));
}

/** As Kafka: a topic that is asked for twice, by whatever means, is answered once. */
function distinct(image: MetadataImage, topics: readonly TopicQuery[]): readonly TopicQuery[] {
  return distinctBy(topics, ({ name, topicId }) => name ?? image.topicNamesById.get(topicId) ?? topicId);
}

function allTopics(image: MetadataImage): TopicImage[] {
  return [...image.topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Look-up by id came later than the field for it. */
function checkQueries(topics: readonly TopicQuery[], apiVersion: number): void {
  if (apiVersion < FIRST_VERSION_WITH_TOPIC_IDS || apiVersion >= FIRST_VERSION_WITH_NULL_NAMES) return;
  if (topics.every(({ topicId, name }) => topicId === ZERO_UUID && name !== null)) return;
  throw KafkaError.fromCode(ErrorCode.INVALID_REQUEST, `Metadata v${apiVersion} cannot look topics up by their ids`);
}

async function answerTopic(
  broker: BrokerServices,
  { name, topicId }: TopicQuery,
  mayCreate: boolean,
  { apiVersion, clientId }: RequestContext,
): Promise<TopicResult> {
  if (name === null) {
    const topic = topicById(broker.image, topicId);
    if (topic === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
    return describeTopic(broker.image, topic, apiVersion);
  }
  const errorCode = broker.image.topicsByName.has(name)
    ? ErrorCode.NONE
    : await create(broker, name, mayCreate, clientId);
  const topic = broker.image.topicsByName.get(name);
  if (topic !== undefined) return describeTopic(broker.image, topic, apiVersion);
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}

/**
 * Creates a topic that somebody asked for; the error code where it is not there afterwards.
 *
 * What cannot be created now but may be later is LEADER_NOT_AVAILABLE: every client tries that again, while old ones
 * give up at Kafka 4's UNKNOWN_TOPIC_OR_PARTITION.
 */
async function create(broker: BrokerServices, name: string, mayCreate: boolean, clientId: string): Promise<number> {
  try {
    if (topicNameProblem(name) !== null) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    if (!mayCreate || name === CLUSTER_METADATA_TOPIC) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    await broker.topics.ensure(name, clientId);
    return ErrorCode.LEADER_NOT_AVAILABLE;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return LASTING_ERRORS.has(error.errno) ? error.errno : ErrorCode.LEADER_NOT_AVAILABLE;
  }
}

/** A name that no topic can have, as it is that of the metadata log. */
const CLUSTER_METADATA_TOPIC = "__cluster_metadata";

const LASTING_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.INVALID_REPLICATION_FACTOR,
  ErrorCode.POLICY_VIOLATION,
  ErrorCode.INVALID_REQUEST,
  ErrorCode.INVALID_CONFIG,
]);

/** @internal One topic as that version of Metadata tells it. */
export function describeTopic(image: MetadataImage, topic: TopicImage, apiVersion: number): TopicResult {
  const describe = apiVersion <= LAST_VERSION_WITHOUT_MISSING_REPLICAS ? describeWithoutMissing : describePartition;
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describe(image, partition, unreachableErrno(apiVersion))),
  };
}

/** Since v6 clients are told that it is the leader's broker that is missing. */
function unreachableErrno(apiVersion: number): number {
  return apiVersion < FIRST_VERSION_WITH_LISTENER_ERROR ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.LISTENER_NOT_FOUND;
}
