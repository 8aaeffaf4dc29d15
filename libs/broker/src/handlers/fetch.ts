import { ErrorCode, type FetchRequest, fetchApi, KafkaError, type ResponseInput } from "@ottla/protocol";
import type { ReadLimit } from "@ottla/storage";
import { apiHandler, later, Reply, type RequestContext } from "../api-handler.ts";
import {
  type FetchOutcome,
  type FetchReadOptions,
  type FetchResult,
  type FetchTarget,
  readPartitions,
} from "../partition/fetch-reader.ts";
import { markPartitions, waitForMore } from "../partition/fetch-wait.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { hintedEndpoints, leaderHint } from "../services/leader-hints.ts";

type FetchResponseInput = ResponseInput<typeof fetchApi>;
type PartitionData = FetchResponseInput["responses"][number]["partitions"][number];

/** One topic of a request with its partitions looked up. */
interface TopicTargets {
  readonly topic: string;
  readonly topicId: string;
  readonly targets: readonly FetchTarget[];
}

/** From here on topics are named by their ids. */
const FIRST_VERSION_WITH_TOPIC_IDS = 13;
const READ_COMMITTED = 1;
const NO_RECORDS = new Uint8Array(0);

/** Session ids and epochs of a fetch that stands alone (KIP-227). */
const NO_SESSION_ID = 0;
const INITIAL_SESSION_EPOCH = 0;
const FINAL_SESSION_EPOCH = -1;

/**
 * Fetch: reads whole batches from the partitions asked for, and waits for `minBytes` up to `maxWaitMs`. A client that
 * asks for a fetch session gets full answers and session id 0: the broker declines.
 */
export const fetchHandler = (broker: BrokerServices) =>
  apiHandler(fetchApi, { minVersion: 4, maxVersion: 18, errorResponse: wholeRequestFailed }, (request, context) => {
    checkSession(request);
    return inTurn((onWait) => fetch(broker, request, context, onWait));
  });

/**
 * The next request of the connection has its turn when this one is answered or begins to wait. Fetches wait side by
 * side, but read one after another: the bytes that a slow client leaves untaken are seen before more are read for it.
 */
function inTurn(fetching: (onWait: () => void) => Promise<Reply<FetchResponseInput>>) {
  let endTurn = () => {};
  const turn = new Promise<void>((resolve) => {
    endTurn = resolve;
  });
  const response = fetching(() => endTurn());
  response.then(endTurn, endTurn);
  return later(response, turn);
}

/** Before v7 the response has no error of its own: every partition carries it. */
function wholeRequestFailed(
  request: FetchRequest,
  { errno }: { readonly errno: number },
  version: number,
): FetchResponseInput {
  if (version >= 7) return { throttleTimeMs: 0, errorCode: errno, responses: [] };
  const responses = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => failedPartition(partition, errno)),
  }));
  return { throttleTimeMs: 0, responses };
}

/** No session is ever opened here, so whoever means to go on with one is told that it is gone. */
function checkSession({ sessionId, sessionEpoch }: FetchRequest): void {
  if (sessionEpoch === FINAL_SESSION_EPOCH || sessionEpoch === INITIAL_SESSION_EPOCH) return;
  throw KafkaError.fromCode(
    sessionId === NO_SESSION_ID ? ErrorCode.INVALID_FETCH_SESSION_EPOCH : ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );
}

async function fetch(broker: BrokerServices, request: FetchRequest, context: RequestContext, onWait: () => void) {
  const topics = resolveTopics(broker, request, context.apiVersion);
  const targets = topics.flatMap((topic) => topic.targets);
  recordFollowerProgress(request, targets);
  const result = await readUntilEnough(broker, request, targets, context, onWait);
  try {
    return new Reply(toResponse(broker, topics, result, request, context), () => result.release());
  } catch (error) {
    result.release();
    throw error;
  }
}

/** Reads, and as long as it is too little and time is left, waits for more and reads again. Nothing is held meanwhile. */
async function readUntilEnough(
  broker: BrokerServices,
  request: FetchRequest,
  targets: readonly FetchTarget[],
  context: RequestContext,
  onWait: () => void,
): Promise<FetchResult> {
  const { clock } = broker.runtime;
  const deadlineMs = clock.monotonicMs() + request.maxWaitMs;
  const options = readOptions(broker, request);
  const minBytes = Math.min(request.minBytes, options.maxBytes);
  const partitions = targets.flatMap(({ partition }) => partition ?? []);
  for (let isLast = false; ; ) {
    const marks = markPartitions(partitions, options.limit);
    const result = await readPartitions(targets, options);
    const waitMs = deadlineMs - clock.monotonicMs();
    if (isLast || waitMs <= 0 || targets.length === 0 || result.isFinal || result.sizeBytes >= minBytes) return result;
    onWait();
    const missingBytes = minBytes - result.sizeBytes;
    const { purgatory } = broker;
    const wait = { purgatory, marks, limit: options.limit, missingBytes, waitMs, signal: context.signal };
    result.release();
    isLast = !(await waitForMore(wait));
  }
}

function readOptions(broker: BrokerServices, request: FetchRequest): FetchReadOptions {
  return { maxBytes: Math.min(request.maxBytes, broker.config.require("fetch.max.bytes")), limit: readLimit(request) };
}

/** A follower's id moved into a tagged struct with v15. */
function followerId({ replicaId, replicaState }: FetchRequest): number {
  return replicaState.replicaId >= 0 ? replicaState.replicaId : replicaId;
}

/** Followers read to the log's end. */
function readLimit(request: FetchRequest): ReadLimit {
  if (followerId(request) >= 0) return "logEnd";
  return request.isolationLevel === READ_COMMITTED ? "lastStable" : "highWatermark";
}

function recordFollowerProgress(request: FetchRequest, targets: readonly FetchTarget[]): void {
  const brokerId = followerId(request);
  if (brokerId < 0) return;
  for (const { partition, fetchOffset } of targets) partition?.recordFollowerFetch(brokerId, fetchOffset);
}

function resolveTopics(broker: BrokerServices, request: FetchRequest, apiVersion: number): TopicTargets[] {
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  return request.topics.map(({ topic, topicId, partitions }) => {
    const name = byId ? broker.image.topicNamesById.get(topicId) : topic;
    const deletedErrno = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const targets = partitions.map((wanted) => ({
      index: wanted.partition,
      partition: byId
        ? broker.partitions.getById(topicId, wanted.partition)
        : broker.partitions.get(topic, wanted.partition),
      missingErrno:
        name === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : broker.partitions.missingErrno(name, wanted.partition),
      deletedErrno,
      fetchOffset: wanted.fetchOffset,
      lastFetchedEpoch: wanted.lastFetchedEpoch,
      currentLeaderEpoch: wanted.currentLeaderEpoch,
      maxBytes: wanted.partitionMaxBytes,
    }));
    return { topic, topicId, targets };
  });
}

function toResponse(
  broker: BrokerServices,
  topics: readonly TopicTargets[],
  result: FetchResult,
  request: FetchRequest,
  context: RequestContext,
): FetchResponseInput {
  const withAborted = readLimit(request) === "lastStable";
  let next = 0;
  const responses = topics.map(({ topic, topicId, targets }) => ({
    topic,
    topicId,
    partitions: targets.map(() => toPartitionData(result.outcomes[next++]!, withAborted, context.apiVersion)),
  }));
  if (!result.isFinal || context.apiVersion < FIRST_VERSION_WITH_ENDPOINTS) return { throttleTimeMs: 0, responses };
  const partitions = responses.flatMap((response) => response.partitions);
  return { throttleTimeMs: 0, responses, nodeEndpoints: hintedEndpoints(broker, partitions, context) };
}

const FIRST_VERSION_WITH_ENDPOINTS = 16;
const FIRST_VERSION_WITH_LEADER = 12;

function toPartitionData(
  { target, errno, read, divergingEpoch }: FetchOutcome,
  withAborted: boolean,
  apiVersion: number,
): PartitionData {
  if (read === null) {
    const failed = failedPartition(target.index, errno);
    return apiVersion < FIRST_VERSION_WITH_LEADER ? failed : { ...failed, ...leaderHint(errno, target.partition) };
  }
  return {
    partitionIndex: target.index,
    errorCode: ErrorCode.NONE,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: withAborted ? read.abortedTransactions : null,
    records: read.chunks,
    ...(divergingEpoch !== null && { divergingEpoch }),
  };
}

function failedPartition(partitionIndex: number, errorCode: number): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}
