import {
  codecByName,
  ErrorCode,
  KafkaError,
  type ProduceRequest,
  produceApi,
  type ResponseInput,
} from "@ottla/protocol";
import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  compressionAt,
  isTransactionalAt,
  magicAt,
  RECORD_BATCH_MAGIC,
} from "@ottla/protocol/internal";
import { inTurns } from "@ottla/runtime/internal";
import { AppendRejected, type LogAppend } from "@ottla/storage";
import { apiHandler, later, NO_RESPONSE, type RequestContext } from "../api-handler.ts";
import { type Acks, notLeader, type Partition, type PartitionAppend } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { isInternalTopic } from "../services/internal-topics.ts";
import { hintedEndpoints, leaderHint } from "../services/leader-hints.ts";
import { type EnteredPartition, ProduceTransaction } from "../transactions/produce-transaction.ts";
import type { TransactionGate } from "../transactions/transaction-gate.ts";

type ProduceResponseInput = ResponseInput<typeof produceApi>;
type TopicInput = ProduceRequest["topicData"][number];
type PartitionInput = TopicInput["partitionData"][number];
type TopicResult = ProduceResponseInput["responses"][number];
type PartitionResult = TopicResult["partitionResponses"][number];

/** From here on topics are named by their ids. */
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

/** From here on a client that asked the wrong broker is told the right one (KIP-951). */
const FIRST_VERSION_WITH_LEADER = 10;

/** What of a batch says how long it is and of which format. */
const BATCH_START_BYTES = 17;

/** From here on clients know zstd. */
const FIRST_VERSION_WITH_ZSTD = 7;
const ZSTD = codecByName("zstd").id;

/** From here on clients know TRANSACTION_ABORTABLE. */
const FIRST_VERSION_WITH_ABORTABLE = 11;

/** From here on a transaction's first batch brings its partition into the transaction (KIP-890). */
const FIRST_VERSION_WITH_IMPLICIT_ENTRY = 12;

/** Partitions that are appended to in one turn of the event loop: some milliseconds where their code is cold. */
const PARTITIONS_A_TURN = 128;

/** Kafka's own tools write to internal topics under this client id. */
const ADMIN_CLIENT_ID = "__admin_client";

/**
 * Produce: appends each partition's batches as they came, and answers once they are as safe as `acks` asks for. The
 * appends happen before this returns or, where they are too many for one turn, before the connection's next request has
 * its turn: requests of one connection are appended in the order they were sent.
 *
 * A partition that fails does not harm the others. Versions 0 to 2 are advertised, because librdkafka takes a broker
 * without them for too old, and refused.
 */
export const produceHandler = (broker: BrokerServices, gate: TransactionGate) =>
  apiHandler(
    produceApi,
    { minVersion: 3, maxVersion: 13, advertisedMinVersion: 0, errorResponse: () => null },
    (request, context) => {
      const transaction = new ProduceTransaction(gate, request.transactionalId, {
        adds: context.apiVersion >= FIRST_VERSION_WITH_IMPLICIT_ENTRY,
        knowsAbortable: context.apiVersion >= FIRST_VERSION_WITH_ABORTABLE,
      });
      const exchange = { request, context, transaction, appends: [], writes: [] };
      const asked = request.topicData.filter(({ partitionData }) => partitionData.length > 0);
      const { begun, responses } = produceInTurns(broker, exchange, asked);
      const effect = begun === undefined ? effectOf(exchange) : begun.then(() => effectOf(exchange));
      void responses.then(() => releaseWhenWritten(exchange));
      if (request.acks !== 0)
        return later(
          responses.then((topics) => respond(broker, topics, context)),
          effect,
        );
      closeOnFailure(responses, context);
      return effect === undefined ? NO_RESPONSE : effect.then(() => NO_RESPONSE);
    },
  );

/** One request on its way. */
interface Exchange {
  readonly request: ProduceRequest;
  readonly context: RequestContext;
  readonly transaction: ProduceTransaction;
  /** Appends that have yet to come: their batches are being recompressed, or their transaction is looked up. */
  readonly appends: Promise<unknown>[];
  /** What is on its way to a file. */
  readonly writes: Promise<unknown>[];
}

/** Once all partitions are answered: a client that has waited long enough is answered before its records are written. */
function releaseWhenWritten({ context, writes }: Exchange): void {
  void Promise.allSettled(writes).then(() => context.releaseFrame());
}

/** Settles when everything is appended; undefined where it is already. The connection's next request waits for it. */
function effectOf({ appends }: Exchange): Promise<void> | undefined {
  return appends.length === 0 ? undefined : Promise.allSettled(appends).then(() => {});
}

function respond(
  broker: BrokerServices,
  responses: readonly TopicResult[],
  context: RequestContext,
): ProduceResponseInput {
  if (context.apiVersion < FIRST_VERSION_WITH_LEADER) return { responses };
  const results = responses.flatMap((topic) => topic.partitionResponses);
  return { responses, nodeEndpoints: hintedEndpoints(broker, results, context) };
}

/** Appends that have begun, or begin in the turns to come. */
interface Producing {
  /** Settles when all have begun; undefined where they have. */
  readonly begun: Promise<unknown> | undefined;
  readonly responses: Promise<readonly TopicResult[]>;
}

function produceInTurns(broker: BrokerServices, exchange: Exchange, asked: readonly TopicInput[]): Producing {
  const work = producing(broker, exchange, asked);
  const count = asked.reduce((sum, { partitionData }) => sum + partitionData.length, 0);
  if (count <= PARTITIONS_A_TURN) return { begun: undefined, responses: Promise.all(work.next().value ?? []) };
  const begun = inTurns(work, broker.runtime.timers);
  return { begun, responses: begun.then((pending) => Promise.all(pending)) };
}

/** In pieces: a turn of the event loop for others may come between two of them. */
function* producing(
  broker: BrokerServices,
  exchange: Exchange,
  asked: readonly TopicInput[],
): Generator<void, Promise<TopicResult>[]> {
  const results: Promise<TopicResult>[] = [];
  let begun = 0;
  for (const topic of asked) {
    const pending: (PartitionResult | Promise<PartitionResult>)[] = [];
    for (const data of topic.partitionData) {
      if (begun > 0 && begun % PARTITIONS_A_TURN === 0) yield;
      begun++;
      pending.push(produce(broker, exchange, topic, data));
    }
    results.push(resultOf(topic, pending));
  }
  void exchange.transaction.open();
  return results;
}

async function resultOf(
  { name, topicId }: TopicInput,
  pending: readonly (PartitionResult | Promise<PartitionResult>)[],
): Promise<TopicResult> {
  return { name, topicId, partitionResponses: await Promise.all(pending) };
}

/** With acks=0 the client hears nothing; closing the connection is how it learns of an error. */
function closeOnFailure(responses: Promise<readonly TopicResult[]>, { connection }: RequestContext): void {
  void responses.then((topics) => {
    for (const { name, topicId, partitionResponses } of topics) {
      const failed = partitionResponses.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
      if (failed === undefined) continue;
      const where = `${name || topicId}-${failed.index}`;
      return connection.close(`produce with acks=0 to ${where} failed: ${failed.errorMessage ?? failed.errorCode}`);
    }
  });
}

/** Appends one partition's records. Never throws or rejects: what fails is this partition's result alone. */
function produce(
  broker: BrokerServices,
  exchange: Exchange,
  topic: TopicInput,
  data: PartitionInput,
): PartitionResult | Promise<PartitionResult> {
  const { request, context, appends, writes } = exchange;
  const topicName = nameOf(broker, topic, context);
  try {
    const found = findPartition(broker, topic, data, context);
    const records = checkRecords(request, data, context.apiVersion);
    const { transaction } = exchange;
    const inTransaction = isTransactional(records);
    let entered = inTransaction ? transaction.enter(found, records) : null;
    const batch = broker.preparation.prepare(records, found.config);
    if (batch instanceof Promise && inTransaction) entered ??= transaction.hold(found, records);
    const append = (prepared: Uint8Array) => {
      const taken = take(found, prepared, request.acks as Acks);
      writes.push(taken.append.written);
      return taken;
    };
    const onFailure = (error: unknown) => failed(broker, topicName, data.index, error, context);
    if (!(batch instanceof Promise) && entered === null) {
      return acknowledge(broker, request, data.index, append(batch)).catch(onFailure);
    }
    const appending = appendWhenReady(batch, entered, append);
    appends.push(appending);
    return appending.then((taken) => acknowledge(broker, request, data.index, taken)).catch(onFailure);
  } catch (error) {
    return failed(broker, topicName, data.index, error, context);
  }
}

function take(partition: Partition, batch: Uint8Array, acks: Acks): PartitionAppend {
  const taken = partition.appendAsLeader(batch, { acks, origin: "client" });
  const { baseOffset, lastOffset } = taken.append;
  partition.traffic.produced(lastOffset - baseOffset + 1, batch.length);
  return taken;
}

/** Appends when the batch is prepared and its transaction lets it in. */
async function appendWhenReady(
  batch: Uint8Array | Promise<Uint8Array>,
  entered: EnteredPartition | null,
  append: (prepared: Uint8Array) => PartitionAppend,
): Promise<PartitionAppend> {
  try {
    const [prepared] = await Promise.all([batch, entered?.opened]);
    entered?.check();
    return append(prepared);
  } finally {
    entered?.release();
  }
}

function isTransactional(records: Uint8Array): boolean {
  return records.length >= BATCH_HEADER_BYTES && isTransactionalAt(records, 0);
}

/** Waits until what was appended is as safe as the client asks for. */
function acknowledge(
  broker: BrokerServices,
  { acks, timeoutMs }: ProduceRequest,
  index: number,
  appending: PartitionAppend,
): Promise<PartitionResult> {
  const { append } = appending;
  const acknowledged = acks === -1 ? withTimeout(broker, appending.committed, timeoutMs) : append.written;
  return acknowledged.then(() => appended(index, append));
}

function findPartition(
  broker: BrokerServices,
  topic: TopicInput,
  { index }: PartitionInput,
  { apiVersion, clientId }: RequestContext,
): Partition {
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const { partitions } = broker;
  const partition = byId ? partitions.getById(topic.topicId, index) : partitions.get(topic.name, index);
  if (partition === undefined) throw unknownPartition(broker, byId, topic, index);
  if (isInternalTopic(partition.topic) && clientId !== ADMIN_CLIENT_ID) {
    throw KafkaError.fromCode(ErrorCode.INVALID_TOPIC_EXCEPTION, `${partition.topic} is written by the broker alone`);
  }
  // Before anything is made of the records, or a transaction's coordinator hears of a partition that they never come to.
  if (!partition.isLeader) throw notLeader(partition);
  return partition;
}

function nameOf({ image }: BrokerServices, { name, topicId }: TopicInput, { apiVersion }: RequestContext) {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS ? image.topicNamesById.get(topicId) : name;
}

function unknownPartition(broker: BrokerServices, byId: boolean, topic: TopicInput, index: number): KafkaError {
  if (byId && !broker.image.topicNamesById.has(topic.topicId)) {
    return KafkaError.fromCode(ErrorCode.UNKNOWN_TOPIC_ID, `There is no topic with the id ${topic.topicId}`);
  }
  const name = (byId ? broker.image.topicNamesById.get(topic.topicId) : topic.name) ?? "";
  const errno = broker.partitions.missingErrno(name, index);
  const isOffline = errno === ErrorCode.KAFKA_STORAGE_ERROR;
  const message = isOffline
    ? `The log directory of ${name}-${index} is offline, or its log could not be opened`
    : `This broker does not host ${name}-${index}`;
  return KafkaError.fromCode(errno, message);
}

/** What can be said of the records without the log. @throws KafkaError */
function checkRecords({ acks }: ProduceRequest, { records }: PartitionInput, apiVersion: number): Uint8Array {
  if (acks !== -1 && acks !== 0 && acks !== 1) {
    throw KafkaError.fromCode(ErrorCode.INVALID_REQUIRED_ACKS, `acks is ${acks}`);
  }
  if (records === null || records.length === 0) {
    throw KafkaError.fromCode(
      ErrorCode.INVALID_RECORD,
      "A produce request carries one record batch for each partition",
    );
  }
  checkBatch(records, apiVersion);
  const sizeBytes = batchSizeAt(records, 0);
  return sizeBytes < BATCH_HEADER_BYTES || sizeBytes >= records.length ? records : records.subarray(0, sizeBytes);
}

/** As Kafka: one batch and no more. The producer's state and transaction are looked up by the first alone. */
function checkBatch(records: Uint8Array, apiVersion: number): void {
  if (records.length < BATCH_HEADER_BYTES) {
    throw KafkaError.fromCode(ErrorCode.CORRUPT_MESSAGE, `${records.length} bytes are no record batch`);
  }
  if (magicAt(records, 0) < RECORD_BATCH_MAGIC) {
    throw KafkaError.fromCode(
      ErrorCode.INVALID_RECORD,
      `Produce requests with version ${apiVersion} are only allowed to contain record batches with magic version ${RECORD_BATCH_MAGIC}`,
    );
  }
  const sizeBytes = batchSizeAt(records, 0);
  // A size that no batch has is no sign of a second one: the log says that it is corrupt.
  const isCorrupt = sizeBytes < BATCH_HEADER_BYTES || magicAt(records, 0) !== RECORD_BATCH_MAGIC;
  if (!isCorrupt && (sizeBytes > records.length || hasSecondBatch(records, sizeBytes))) {
    throw KafkaError.fromCode(
      ErrorCode.INVALID_RECORD,
      "A produce request carries exactly one record batch for each partition",
    );
  }
  if (compressionAt(records, 0) === ZSTD && apiVersion < FIRST_VERSION_WITH_ZSTD) {
    throw KafkaError.fromCode(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Produce requests with version ${apiVersion} are not allowed to use ZStandard compression`,
    );
  }
  const baseOffset = baseOffsetAt(records, 0);
  if (!isCorrupt && baseOffset !== 0) {
    throw new AppendRejected(ErrorCode.INVALID_RECORD, `A producer's batch begins at offset 0, not at ${baseOffset}`);
  }
}

/**
 * Whether a whole batch lies behind the first. As Kafka: the beginning of one is no batch, and is left away.
 * @throws KafkaError where it can be none
 */
function hasSecondBatch(records: Uint8Array, start: number): boolean {
  const restBytes = records.length - start;
  if (restBytes < BATCH_START_BYTES) return false;
  const sizeBytes = batchSizeAt(records, start);
  if (sizeBytes < BATCH_HEADER_BYTES) {
    throw KafkaError.fromCode(ErrorCode.CORRUPT_MESSAGE, "There are bytes behind the record batch that are none");
  }
  return sizeBytes <= restBytes;
}

/** Like `committed`, but gives up after the client's own timeout: the records may still become committed later. */
function withTimeout(broker: BrokerServices, committed: Promise<void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = broker.deadlines.schedule(timeoutMs, () => {
      reject(KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT, `The records were not committed within ${timeoutMs} ms`));
    });
    committed.then(
      () => {
        deadline.cancel();
        resolve();
      },
      (error) => {
        deadline.cancel();
        reject(error);
      },
    );
  });
}

function appended(index: number, append: LogAppend): PartitionResult {
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: append.baseOffset,
    logAppendTimeMs: append.logAppendTimeMs,
    logStartOffset: append.logStartOffset,
  };
}

function failed(
  broker: BrokerServices,
  topic: string | undefined,
  index: number,
  error: unknown,
  { apiVersion }: RequestContext,
): PartitionResult {
  const errorCode = errnoOf(error);
  const { partitions } = broker;
  const partition = partitions.get(topic ?? "", index);
  (partition?.traffic ?? partitions.traffic.all).produceFailed();
  // Of failures of the disk the log tells, once.
  if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
    broker.runtime.logger.error("produce failed", { topic, partition: index, err: error });
  }
  return {
    index,
    errorCode,
    baseOffset: -1,
    logStartOffset: tellsLogStart(error) ? (partition?.log.logStartOffset ?? -1) : -1,
    errorMessage: error instanceof Error ? error.message : String(error),
    recordErrors: recordErrorsOf(error),
    ...(apiVersion >= FIRST_VERSION_WITH_LEADER && leaderHint(broker, errorCode, topic, index)),
  };
}

/** Errors of the append itself after which Kafka does not tell where the log starts. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

function tellsLogStart(error: unknown): boolean {
  return error instanceof AppendRejected && !WITHOUT_LOG_START.has(error.errno);
}

function recordErrorsOf(error: unknown): NonNullable<PartitionResult["recordErrors"]> {
  if (!(error instanceof AppendRejected)) return [];
  return error.recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message }));
}
