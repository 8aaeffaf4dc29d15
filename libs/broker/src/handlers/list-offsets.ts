import { distinctBy, duplicatesOf } from "@ottla/metadata";
import { ErrorCode, KafkaError, type ListOffsetsRequest, listOffsetsApi, type ResponseInput } from "@ottla/protocol";
import type { ReadLimit, TimestampAndOffset } from "@ottla/storage";
import { apiHandler, later } from "../api-handler.ts";
import { earliestEpochOf } from "../partition/earliest-epoch.ts";
import { visibleEnd } from "../partition/fetch-wait.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { PartitionRegistry } from "../partition/partition-registry.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { joinedTopics } from "../services/joined-topics.ts";

type PartitionQuery = ListOffsetsRequest["topics"][number]["partitions"][number];
type PartitionResult = ResponseInput<typeof listOffsetsApi>["topics"][number]["partitions"][number];

/** Kafka's special timestamps, and the first version that knows each. */
const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
const FIRST_VERSION_OF: Readonly<Record<number, number>> = {
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};

const READ_COMMITTED = 1;
/** Kafka's id of those who compare replicas: followers answer them too, and all is told that they have. */
const DEBUGGING_CONSUMER_ID = -2;

const UNKNOWN_OFFSET: TimestampAndOffset = { timestampMs: -1, offset: -1, leaderEpoch: -1 };

/** ListOffsets: the ends of a log, or the first offset at or after a time. */
export const listOffsetsHandler = (broker: BrokerServices) =>
  apiHandler(
    listOffsetsApi,
    { minVersion: 1, maxVersion: 11, errorResponse: wholeRequestFailed },
    (request, { apiVersion }) => {
      const limit = readLimit(request);
      const isDebugging = request.replicaId === DEBUGGING_CONSUMER_ID;
      const asked = joinedTopics(request.topics);
      const topics = asked.map(async ({ name, partitions }) => {
        const duplicates = duplicatesIn(partitions);
        const found = distinctBy(partitions, ({ partitionIndex }) => partitionIndex).map((query) =>
          duplicates.has(query.partitionIndex)
            ? failed(query, ErrorCode.INVALID_REQUEST)
            : find(broker.partitions, name, query, { limit, apiVersion, isDebugging }),
        );
        return { name, partitions: await Promise.all(found) };
      });
      return later(Promise.all(topics).then((found) => ({ topics: found })));
    },
  );

function wholeRequestFailed({ topics }: ListOffsetsRequest, { errno }: { readonly errno: number }) {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((query) => failed(query, errno)),
    })),
  };
}

/** As Kafka: a partition that is asked for twice is refused, once. */
function duplicatesIn(partitions: readonly PartitionQuery[]): ReadonlySet<number> {
  return duplicatesOf(partitions.map(({ partitionIndex }) => partitionIndex));
}

function failed({ partitionIndex }: PartitionQuery, errorCode: number): PartitionResult {
  return { partitionIndex, errorCode };
}

interface Asking {
  readonly limit: ReadLimit;
  readonly apiVersion: number;
  readonly isDebugging: boolean;
}

async function find(
  partitions: PartitionRegistry,
  topic: string,
  query: PartitionQuery,
  { limit, apiVersion, isDebugging }: Asking,
): Promise<PartitionResult> {
  try {
    const partition = replicaOf(partitions, topic, query, isDebugging);
    const { timestampMs, offset, leaderEpoch } = await lookUp(partition, query.timestamp, limit, apiVersion);
    const result = { partitionIndex: query.partitionIndex, errorCode: ErrorCode.NONE, timestamp: timestampMs, offset };
    return apiVersion < FIRST_VERSION_WITH_LEADER_EPOCH ? result : { ...result, leaderEpoch };
  } catch (error) {
    return failed(query, errnoOf(error));
  }
}

const FIRST_VERSION_WITH_LEADER_EPOCH = 4;

/** The leader, as all but those who compare replicas mean it. */
function replicaOf(
  partitions: PartitionRegistry,
  topic: string,
  query: PartitionQuery,
  isDebugging: boolean,
): Partition {
  const partition = partitions.get(topic, query.partitionIndex);
  if (partition === undefined) throw KafkaError.fromCode(partitions.missingErrno(topic, query.partitionIndex));
  const epoch = query.currentLeaderEpoch;
  const errno = isDebugging ? partition.checkEpoch(epoch) : partition.checkLeaderEpoch(epoch);
  if (errno !== ErrorCode.NONE) throw KafkaError.fromCode(errno);
  return partition;
}

function readLimit({ replicaId, isolationLevel }: ListOffsetsRequest): ReadLimit {
  if (replicaId >= 0 || replicaId === DEBUGGING_CONSUMER_ID) return "logEnd";
  return isolationLevel === READ_COMMITTED ? "lastStable" : "highWatermark";
}

async function lookUp(
  partition: Partition,
  timestamp: number,
  limit: ReadLimit,
  apiVersion: number,
): Promise<TimestampAndOffset> {
  const { log, leaderEpoch } = partition;
  const isKnown = limit === "logEnd" || partition.isHighWatermarkKnown;
  if (apiVersion < (FIRST_VERSION_OF[timestamp] ?? 0)) throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION);
  switch (timestamp) {
    case LATEST:
      if (!isKnown) throw notAvailable(apiVersion);
      return { timestampMs: -1, offset: visibleEnd(partition, limit), leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL: // without tiered storage everything is local
      return { timestampMs: -1, offset: log.logStartOffset, leaderEpoch: earliestEpochOf(log) };
    case MAX_TIMESTAMP: {
      // As Kafka: the newest of all records, where readers of this kind see it.
      const newest = await log.offsetForMaxTimestamp();
      if (newest === null || newest.offset < visibleEnd(partition, limit)) return newest ?? UNKNOWN_OFFSET;
      if (!isKnown) throw notAvailable(apiVersion);
      return UNKNOWN_OFFSET;
    }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD: // nothing is tiered
      return UNKNOWN_OFFSET;
    default: {
      if (timestamp < 0) throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION);
      const found = await log.offsetForTimestamp(timestamp, limit);
      if (found === null && !isKnown) throw notAvailable(apiVersion);
      return found ?? UNKNOWN_OFFSET;
    }
  }
}

const FIRST_VERSION_WITH_NOT_AVAILABLE = 5;

/** A new leader does not know yet all that its predecessors have told consumers of (KIP-207). */
function notAvailable(apiVersion: number): KafkaError {
  const isKnown = apiVersion >= FIRST_VERSION_WITH_NOT_AVAILABLE;
  return KafkaError.fromCode(isKnown ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.LEADER_NOT_AVAILABLE);
}
