import { brokerById } from "@ottla/metadata";
import { ErrorCode, type FetchRequest, fetchApi, type ResponseInput } from "@ottla/protocol";
import type { ReadLimit } from "@ottla/storage";
import { type Answer, apiHandler, type Later, later, Reply, type RequestContext } from "../api-handler.ts";
import {
  type FetchOutcome,
  type FetchReader,
  type FetchReadOptions,
  type FetchResult,
  type FetchTarget,
  hostedPartition,
  MissingPartition,
  readPartitions,
} from "../partition/fetch-reader.ts";
import { type FetchedPartition, type PartitionNews, partitionKey } from "../partition/fetch-session.ts";
import type { FetchContext, SessionRequest, SessionResult } from "../partition/fetch-session-cache.ts";
import { FetchWait, haveMoved, markPartitions } from "../partition/fetch-wait.ts";
import type { Partition } from "../partition/partition.ts";
import { preferredReplica } from "../partition/preferred-replica.ts";
import { QuietFetch, QuietFetches, type QuietQuestion } from "../partition/quiet-fetches.ts";
import { RestingReplica } from "../partition/resting-replica.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { hintedEndpoints, leaderHint } from "../services/leader-hints.ts";

type FetchResponseInput = ResponseInput<typeof fetchApi>;
type PartitionData = FetchResponseInput["responses"][number]["partitions"][number];

/** From here on topics are named by their ids. */
const FIRST_VERSION_WITH_TOPIC_IDS = 13;
const FIRST_VERSION_WITH_RACK = 11;
const READ_COMMITTED = 1;
const NO_RECORDS = new Uint8Array(0);

/**
 * Fetch: reads whole batches from the partitions asked for, and waits for `minBytes` up to `maxWaitMs`. Within a
 * fetch session (KIP-227) a client names only what changes, and is told only what changed.
 */
export const fetchHandler = (broker: BrokerServices) => {
  const quiet = new QuietFetches();
  return apiHandler(
    fetchApi,
    { minVersion: 4, maxVersion: 18, errorResponse: wholeRequestFailed },
    (request, context) => {
      // What was decoded of it is numbers and texts. Clients without sessions name thousands of partitions each time.
      context.releaseFrame();
      const session = broker.fetchSessions.open(sessionRequest(request, context.apiVersion));
      const deadlineMs = broker.runtime.clock.monotonicMs() + request.maxWaitMs;
      const exchange = { broker, request, session, context, quiet, deadlineMs };
      const known = quietFetch(exchange);
      return known === undefined ? inTurn((onWait) => fetch(exchange, onWait)) : later(waitQuietly(exchange, known));
    },
  );
};

/** One fetch on its way. */
interface Exchange {
  readonly broker: BrokerServices;
  readonly request: FetchRequest;
  readonly session: FetchContext;
  readonly context: RequestContext;
  readonly quiet: QuietFetches;
  /** Until when it may wait, on the monotonic clock. */
  readonly deadlineMs: number;
}

/**
 * The next request of the connection has its turn when this one is answered or begins to wait. Fetches wait side by
 * side, but read one after another: the bytes that a slow client leaves untaken are seen before more are read for it.
 */
function inTurn(fetching: (onWait: () => void) => Promise<Reply<FetchResponseInput>>): Later<FetchResponseInput> {
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

/** What this fetch is bound to find, where one before it has waited in vain and nothing has moved since. */
function quietFetch(exchange: Exchange): QuietFetch | undefined {
  const { request, session, quiet } = exchange;
  if (request.maxWaitMs <= 0 || request.minBytes <= 0) return undefined;
  const question = quietQuestion(exchange);
  return question === null ? undefined : quiet.find(session.partitions, question);
}

/** Waits, and as long as nothing comes tells the client nothing: it knows the rest. */
async function waitQuietly(exchange: Exchange, known: QuietFetch): Promise<Answer<FetchResponseInput>> {
  const { request, session, context } = exchange;
  const mayHaveMore = await known.wait.wait(request.minBytes, request.maxWaitMs, context.signal);
  if (mayHaveMore || !known.isCurrent()) return fetch(exchange, () => {});
  for (const [traffic, partitions] of known.counts) traffic.fetchedNothing(partitions);
  const { errorCode, sessionId } = session.answer([]);
  return { throttleTimeMs: 0, errorCode, sessionId, responses: [] };
}

/** As Kafka: a partition that is named twice counts once, as it was named last. */
function sessionRequest(request: FetchRequest, apiVersion: number): SessionRequest {
  return {
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds: apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS,
    isFromFollower: followerId(request) >= 0,
    partitions: request.topics.length === 0 ? NO_PARTITIONS : namedPartitions(request),
    forgotten: request.forgottenTopicsData,
  };
}

const NO_PARTITIONS: readonly FetchedPartition[] = [];

function namedPartitions({ topics }: FetchRequest): FetchedPartition[] {
  const partitions = new Map<string, FetchedPartition>();
  for (const { topic, topicId, partitions: queries } of topics) {
    for (const query of queries) {
      const key = partitionKey({ topic, topicId }, query.partition);
      partitions.set(key, { key, topic, topicId, query, resting: null });
    }
  }
  return [...partitions.values()];
}

/** @param onWait called when it begins to wait */
async function fetch(exchange: Exchange, onWait: () => void): Promise<Reply<FetchResponseInput>> {
  const { broker, request } = exchange;
  const reading = await readUntilEnough(exchange, onWait);
  const { result } = reading;
  const waitMs = throttleTimeMs(exchange, result.sizeBytes);
  if (waitMs > 0) {
    result.release();
    return new Reply(throttledResponse(exchange, waitMs), () => {});
  }
  if (followerId(request) < 0) countReads(broker, result);
  else broker.replication.counters.bytesOut += result.sizeBytes;
  try {
    return new Reply(toResponse(exchange, reading), () => result.release());
  } catch (error) {
    result.release();
    throw error;
  }
}

/** How long a client above its quota waits before it is given this. Followers have a throttle of their own. */
function throttleTimeMs({ broker: { quotas }, request, context }: Exchange, sizeBytes: number): number {
  return quotas.areSet && followerId(request) < 0 ? quotas.fetched(context.clientId, sizeBytes) : 0;
}

/** As Kafka: empty, whatever was read. A full fetch that asks for a session gets none, for its answer is not whole. */
function throttledResponse({ request, session }: Exchange, waitMs: number): FetchResponseInput {
  const isFull = request.sessionEpoch <= 0;
  const { errorCode, sessionId } = isFull ? { errorCode: ErrorCode.NONE, sessionId: 0 } : session.answer([]);
  return { throttleTimeMs: waitMs, errorCode, sessionId, responses: [] };
}

function countReads({ partitions }: BrokerServices, { outcomes }: FetchResult): void {
  for (const { target, errno, read } of outcomes) {
    const traffic = hostedPartition(target)?.traffic ?? partitions.traffic.all;
    if (errno === ErrorCode.NONE) traffic.fetched(read?.sizeBytes ?? 0);
    else traffic.fetchFailed();
  }
}

/** What a fetch is answered with. */
interface Reading {
  readonly result: FetchResult;
  /** Where it has waited in vain: so will the next one, unless something changes. */
  readonly quiet: QuietFetch | null;
}

/** Reads, and as long as it is too little and time is left, waits for more and reads again. No bytes are held meanwhile. */
async function readUntilEnough(exchange: Exchange, onWait: () => void): Promise<Reading> {
  const { broker, request, context, deadlineMs } = exchange;
  const { purgatory } = broker;
  const options = readOptions(broker, request, context.clientId);
  const { limit } = options;
  const minBytes = Math.min(request.minBytes, options.maxBytes);
  const follower = followerId(request) < 0 ? undefined : followerId(request);
  let looked = toTargets(exchange);
  let { targets, resting } = looked;
  for (let isFirst = true, isLast = false; ; ) {
    const read = markPartitions(hostedPartitions(targets), limit);
    const result = await readPartitions(targets, options, isFirst);
    const waitMs = deadlineMs - broker.runtime.clock.monotonicMs();
    const isAlone = looked.areAll && read.length === 0 && resting.length === 0;
    if (isLast || waitMs <= 0 || isAlone || result.isFinal || result.sizeBytes >= minBytes) {
      noteStirred(exchange, looked, result.sizeBytes, !isFirst);
      return { result, quiet: null };
    }
    if (!looked.areAll) {
      result.release();
      looked = toTargets(exchange, true);
      ({ targets, resting } = looked);
      continue;
    }
    isFirst = false;
    onWait();
    const marks = resting.length === 0 ? read : [...read, ...resting];
    const missingBytes = minBytes - result.sizeBytes;
    const isReusable = result.sizeBytes === 0 && follower === undefined;
    if (!isReusable) result.release();
    const wait = new FetchWait({ purgatory, marks, limit, followerId: follower });
    isLast = !wait.mayHave(missingBytes) && !(await wait.wait(missingBytes, waitMs, context.signal));
    if (!isReusable) {
      const roused = resting.filter(({ isAtRest }) => !isAtRest);
      if (roused.length === 0) continue;
      targets = [...roused.map(({ target }) => target), ...targets];
      resting = resting.filter(({ isAtRest }) => isAtRest);
      continue;
    }
    // Nothing has come: reading once more would say nothing else.
    if (isLast && result.isCurrent && !haveMoved(marks, limit)) {
      const question = quietQuestion(exchange);
      const quiet = question === null ? null : new QuietFetch({ question, wait, marks, result, purgatory });
      return { result, quiet };
    }
    result.release();
  }
}

/** Null where the answer is another one each time: followers say something new, and the nearest replica is looked up. */
function quietQuestion({ broker, request, context }: Exchange): QuietQuestion | null {
  const { rackId } = request;
  if (followerId(request) >= 0 || isRackAware(broker, request)) return null;
  const { apiVersion } = context;
  return { limit: readLimit(request), image: broker.image, apiVersion, rackId, replicaId: followerId(request) };
}

/** The partitions of a fetch: those to read, and those of which a follower need not be told anything. */
interface Targets {
  readonly targets: readonly FetchTarget[];
  readonly resting: readonly RestingReplica[];
  /** False where the session has others, which are at rest. */
  readonly areAll: boolean;
  readonly reader: FetchReader;
  readonly atMs: number;
  /** How many moves of partitions there had been. */
  readonly movesCount: number;
}

function toTargets(exchange: Exchange, mustBeAll = false): Targets {
  const { broker, request, session, context } = exchange;
  const byId = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const reader = readerOf(broker, request, context.apiVersion);
  const nowMs = broker.runtime.clock.monotonicMs();
  const targets: FetchTarget[] = [];
  const resting: RestingReplica[] = [];
  const { purgatory } = broker;
  const { movesCount } = purgatory;
  const mayBeFew = reader.kind === "follower" && !mustBeAll;
  const few = mayBeFew ? (session.stirred?.at(nowMs, reader, purgatory) ?? null) : null;
  for (const fetched of few ?? session.partitions) {
    if (reader.kind === "follower" && fetched.resting?.isAtRestFor(reader)) {
      fetched.resting.fetched(nowMs);
      resting.push(fetched.resting);
    } else targets.push(toTarget(broker, fetched, byId, reader));
  }
  return { targets, resting, areAll: few === null, reader, atMs: nowMs, movesCount };
}

/** Who was answered with so much at once is far behind, and comes again at once. */
const FAR_BEHIND_BYTES = 256 * 1024;

/** Has the next fetch of a follower that is far behind look at the partitions that are not at rest. */
function noteStirred({ session: { stirred } }: Exchange, looked: Targets, sizeBytes: number, hasWaited: boolean): void {
  const { reader, targets, areAll } = looked;
  if (stirred === null || reader.kind !== "follower") return;
  if (hasWaited || sizeBytes < FAR_BEHIND_BYTES) stirred.lookAtAll();
  else if (areAll)
    stirred.lookedAtAll(
      { ...looked, reader },
      targets.map(({ fetched }) => fetched),
    );
}

function hostedPartitions(targets: readonly FetchTarget[]): Partition[] {
  const partitions: Partition[] = [];
  for (const target of targets) {
    const partition = hostedPartition(target);
    if (partition !== undefined) partitions.push(partition);
  }
  return partitions;
}

function readOptions(broker: BrokerServices, request: FetchRequest, clientId: string): FetchReadOptions {
  const { rackId } = request;
  return {
    // As Kafka: a follower's fetch is bounded by its own configs alone.
    maxBytes:
      followerId(request) >= 0
        ? request.maxBytes
        : Math.min(request.maxBytes, broker.config.require("fetch.max.bytes"), broker.quotas.fetchBytesMax(clientId)),
    limit: readLimit(request),
    throttle: broker.leaderThrottle,
    preferred: isRackAware(broker, request)
      ? (partition, fetchOffset) => preferredReplica(partition, broker.image, { rackId, fetchOffset })
      : null,
  };
}

function isRackAware(broker: BrokerServices, { rackId }: FetchRequest): boolean {
  return rackId !== "" && broker.config.get("replica.selector.class") === RACK_AWARE_SELECTOR;
}

const RACK_AWARE_SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/** A follower's id moved into a tagged struct with v15. */
function followerId({ replicaId, replicaState }: FetchRequest): number {
  return replicaState.replicaId >= 0 ? replicaState.replicaId : replicaId;
}

/** Kafka's id of those who compare replicas: any replica answers them as it answers consumers. */
const DEBUGGING_CONSUMER_ID = -2;

function isDebugging({ replicaId, replicaState }: FetchRequest): boolean {
  return replicaId === DEBUGGING_CONSUMER_ID || replicaState.replicaId === DEBUGGING_CONSUMER_ID;
}

/** Followers read to the log's end. */
function readLimit(request: FetchRequest): ReadLimit {
  if (followerId(request) >= 0) return "logEnd";
  return request.isolationLevel === READ_COMMITTED ? "lastStable" : "highWatermark";
}

const OLD_CONSUMER: FetchReader = { kind: "consumer", contentWithFollower: "never" };
const CONSUMER: FetchReader = { kind: "consumer", contentWithFollower: "of this epoch" };
const CONTENT_CONSUMER: FetchReader = { kind: "consumer", contentWithFollower: "always" };

/**
 * A consumer that says where it is reads from any replica. So does one that knows the epoch of today, and with it who
 * leads; any other means the leader.
 */
function readerOf({ image }: BrokerServices, request: FetchRequest, apiVersion: number): FetchReader {
  const brokerId = followerId(request);
  if (brokerId >= 0) {
    const { replicaEpoch: brokerEpoch } = request.replicaState;
    return { kind: "follower", brokerId, brokerEpoch, registration: brokerById(image, brokerId) };
  }
  if (isDebugging(request)) return CONTENT_CONSUMER;
  if (apiVersion < FIRST_VERSION_WITH_RACK) return OLD_CONSUMER;
  return request.rackId === "" ? CONSUMER : CONTENT_CONSUMER;
}

function toTarget(broker: BrokerServices, fetched: FetchedPartition, byId: boolean, reader: FetchReader): FetchTarget {
  const { partitions, image } = broker;
  const { topic, topicId, query } = fetched;
  const name = byId ? image.topicNamesById.get(topicId) : topic;
  const hosted = byId ? partitions.getById(topicId, query.partition) : partitions.get(topic, query.partition);
  const found = hosted ?? missing(broker, name, query.partition);
  const deletedErrno = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return { fetched, query, name, found, deletedErrno, reader };
}

function missing({ partitions, image }: BrokerServices, name: string | undefined, index: number): MissingPartition {
  if (name === undefined) return new MissingPartition(ErrorCode.UNKNOWN_TOPIC_ID, true);
  const isUnknown = image.topicsByName.get(name)?.partitions[index] === undefined;
  return new MissingPartition(partitions.missingErrno(name, index), isUnknown);
}

/** A partition's part of the answer, as its session sees it. */
interface Told extends SessionResult {
  readonly data: PartitionData;
}

function toResponse(
  { broker, request, session, context, quiet }: Exchange,
  { result, quiet: quietNow }: Reading,
): FetchResponseInput {
  const withAborted = readLimit(request) === "lastStable";
  const told = result.outcomes.map((outcome): Told => {
    const data = toPartitionData(broker, outcome, withAborted, context.apiVersion);
    return { fetched: outcome.target.fetched, data, news: newsOf(data, outcome) };
  });
  const { errorCode, sessionId, results } = session.answer(told);
  if (errorCode === ErrorCode.NONE) {
    if (quietNow !== null && results.length === 0) quiet.remember(session.partitions, quietNow);
    for (const outcome of result.outcomes) outcome.target.fetched.resting = RestingReplica.of(outcome);
  }
  const response = { throttleTimeMs: 0, errorCode, sessionId, responses: byTopic(results) };
  if (!result.isFinal || context.apiVersion < FIRST_VERSION_WITH_ENDPOINTS) return response;
  const partitions = results.map(({ data }) => data);
  return { ...response, nodeEndpoints: hintedEndpoints(broker, partitions, context) };
}

function newsOf(data: PartitionData, { read, divergingEpoch, preferredReadReplica }: FetchOutcome): PartitionNews {
  const { errorCode, logStartOffset = -1 } = data;
  const isDiverging = divergingEpoch !== null;
  const hasMore = isDiverging || preferredReadReplica >= 0 || (read?.sizeBytes ?? 0) > 0;
  // Who has to truncate first heeds nothing else of the answer: it has to be told again.
  const highWatermark = isDiverging ? -1 : data.highWatermark;
  return { errorCode, highWatermark, logStartOffset, hasMore };
}

/** Neighbours of one topic stand together. */
function byTopic(results: readonly Told[]): FetchResponseInput["responses"] {
  const responses: { topic: string; topicId: string; partitions: PartitionData[] }[] = [];
  for (const { fetched, data } of results) {
    const { topic, topicId } = fetched;
    const last = responses.at(-1);
    if (last !== undefined && last.topic === topic && last.topicId === topicId) last.partitions.push(data);
    else responses.push({ topic, topicId, partitions: [data] });
  }
  return responses;
}

const FIRST_VERSION_WITH_ENDPOINTS = 16;
const FIRST_VERSION_WITH_LEADER = 12;

/** Clients before this do not know zstd, and are told so where a topic is for certain compressed with it. */
const FIRST_VERSION_WITH_ZSTD = 10;

/** Older clients take KAFKA_STORAGE_ERROR for a lasting one. */
const FIRST_VERSION_WITH_STORAGE_ERROR = 6;

function knownErrno(errno: number, apiVersion: number): number {
  const isNew = errno === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion < FIRST_VERSION_WITH_STORAGE_ERROR;
  return isNew ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errno;
}

function toPartitionData(
  broker: BrokerServices,
  { target, errno, read, divergingEpoch, preferredReadReplica }: FetchOutcome,
  withAborted: boolean,
  apiVersion: number,
): PartitionData {
  const { partition: index } = target.query;
  if (read === null) {
    const aborted = hostedPartition(target) === undefined ? [] : null;
    const failed = failedPartition(index, knownErrno(errno, apiVersion), aborted);
    if (apiVersion < FIRST_VERSION_WITH_LEADER) return failed;
    return { ...failed, ...leaderHint(broker, errno, target.name, index) };
  }
  if (apiVersion < FIRST_VERSION_WITH_ZSTD && hostedPartition(target)?.config.compression?.type === "zstd") {
    return failedPartition(index, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  }
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: withAborted ? read.abortedTransactions : null,
    records: read.chunks,
    ...(divergingEpoch !== null && { divergingEpoch }),
    ...(preferredReadReplica >= 0 && { preferredReadReplica }),
  };
}

/** As Kafka, which knows nothing of transactions of a partition that it has not looked at, and none of one that is not here. */
function failedPartition(
  partitionIndex: number,
  errorCode: number,
  abortedTransactions: PartitionData["abortedTransactions"] = null,
): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions,
    records: NO_RECORDS,
  };
}
