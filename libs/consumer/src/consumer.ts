import type { CallOptions } from "@ottla/client";
import {
  checkCallOptions,
  checkedList,
  invalidArgument,
  loaded,
  requireEvent,
  watchedOptions,
} from "@ottla/client/internal";
import { loadRecordRunner } from "#record-runner";
import type { GroupMetadata } from "./assignors/assignor.ts";
import { ConsumerBatch } from "./batch.ts";
import { ConsumerCore } from "./consumer-core.ts";
import { checkTopicName, noGroup, notOwned } from "./errors.ts";
import { CONSUMER_EVENTS, type ConsumerEvents } from "./events.ts";
import type { MembershipState } from "./group/membership.ts";
import { Subscription } from "./group/subscription.ts";
import type { ConsumerMetrics } from "./metrics.ts";
import type { OwnedOffset } from "./offsets/commits.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets, type OffsetQuery } from "./offsets/list-offsets.ts";
import type { CommittedOffset, OffsetAndTimestamp, OffsetToCommit } from "./offsets/offset-types.ts";
import type { ConsumerOptions } from "./options.ts";
import type { PartitionState } from "./partitions/partition-state.ts";
import { BatchLoop, type ReadOptions, RecordLoop } from "./reading/iterators.ts";
import type { RecordHandler, RunOptions } from "./reading/run-options.ts";
import type { RebalanceListener } from "./rebalance-listener.ts";
import { ConsumerRecord } from "./record.ts";
import type { TopicPartition } from "./topic-partition.ts";

/** How a consumer is closed. */
export interface CloseOptions {
  /** The longest that committing and leaving may take; after that all connections are cut. Default 30,000, as Kafka's. */
  readonly timeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 30_000;

const PARTITION = { topic: "string", partition: "natural" } as const;
const OFFSET = { ...PARTITION, offset: "natural" } as const;
const TIME = { ...PARTITION, timestampMs: "natural" } as const;

/**
 * Reads topics: as a member of a group that shares their partitions, or partitions of one's own choice.
 *
 * ```ts
 * await using consumer = new Consumer({ bootstrapServers: "localhost:9092", groupId: "billing", topics: ["orders"] });
 * for await (const record of consumer) console.log(record.topic, record.offset, record.value);
 * ```
 *
 * At least once: a record (or batch) counts as processed when the loop asks for the next one, and only processed
 * offsets are committed automatically. What is in hand when a loop is left, by `break` or by an error, therefore comes
 * again to whoever reads on from the committed offset; `commit()` before leaving counts it. A second loop over the
 * same consumer goes on after it.
 *
 * Heartbeats go on while a handler works. A rebalance waits for the handler to ask for more, up to `maxPollIntervalMs`.
 * Connections open with the first loop or call.
 */
export class Consumer<K = string | null, V = string | null>
  implements AsyncIterable<ConsumerRecord<K, V>>, AsyncDisposable
{
  readonly #core: ConsumerCore<K, V>;

  /** @throws KafkaError `INVALID_CONFIG` that names the option */
  constructor(options: ConsumerOptions<K, V>) {
    const [watched, refuseOthers] = watchedOptions("Consumer", options);
    this.#core = new ConsumerCore(watched);
    const { topics, rebalanceListener } = watched;
    refuseOthers();
    if (topics !== undefined) this.subscribe(topics, rebalanceListener);
  }

  /** Reads record by record. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumerRecord<K, V>> {
    return this.records();
  }

  /**
   * Reads record by record. One loop at a time; it ends when the consumer is closed.
   * @throws KafkaError (in the loop) what trying again does not heal: `OFFSET_OUT_OF_RANGE` and
   *   `NO_OFFSET_FOR_PARTITION` with `autoOffsetReset: "none"`, `FENCED_INSTANCE_ID`, `TOPIC_AUTHORIZATION_FAILED`,
   *   `CORRUPT_MESSAGE` and the like; `ABORTED`
   */
  records(options: ReadOptions = {}): AsyncIterableIterator<ConsumerRecord<K, V>> {
    checkCallOptions("records", options);
    return new RecordLoop(this.#core, this.#core.delivery, options);
  }

  /** Reads batch by batch: what one fetch brought of a partition. The fastest way. Else as {@link records}. */
  batches(options: ReadOptions = {}): AsyncIterableIterator<ConsumerBatch<K, V>> {
    checkCallOptions("batches", options);
    return new BatchLoop(this.#core, this.#core.delivery, options);
  }

  /**
   * Handles records with up to `concurrency` handlers at once, until the consumer is closed. The records of a partition
   * (or, with `orderBy: "key"`, those with the same key) are handled in order, one after another.
   *
   * At least once: a record counts as processed when its handler is done and those of all records before it in the
   * partition are; only that is committed automatically. What fails for good, after `retry`, goes to `deadLetter`; without
   * one it ends the run. When the run ends, handlers at work are waited for, and whoever reads next begins with the
   * first record that is not finished. {@link close} does not wait for handlers.
   *
   * ```ts
   * await consumer.run({ concurrency: 16, orderBy: "key", retry: { retries: 3 } }, async (record, { signal }) => {
   *   await bill(record.value, signal);
   * });
   * ```
   *
   * A handler that takes longer than `maxPollIntervalMs` hangs, see there. A rebalance waits for the handlers at work
   * on partitions that move, not for what was taken ahead.
   *
   * @throws KafkaError what {@link records} throws in the loop; `INVALID_CONFIG` for wrong options; what the handler or
   *   the dead-letter producer threw
   */
  async run(options: RunOptions, handler: RecordHandler<K, V>): Promise<void> {
    if (typeof handler !== "function" || typeof options !== "object" || options === null) {
      throw invalidArgument("run takes options and a function: run({ concurrency: 1 }, async (record) => …).");
    }
    const part = loaded(loadRecordRunner());
    const Runner = part instanceof Promise ? await part : part;
    await new Runner(this.#core.client.runtime, this.#core, options, handler).run();
  }

  /**
   * Reads `topics` as a member of the group, which assigns partitions. Replaces an earlier subscription. Takes effect
   * with the first loop or {@link start}.
   *
   * A regular expression stands for all topics in whose names it is found (`/^orders-/`), also those to come, but for
   * internal ones. In the classic protocol it is evaluated here, as often as metadata comes (`metadataMaxAgeMs`); in the
   * consumer protocol by the coordinator, which takes what RE2 has in common with JavaScript (no lookaround, no
   * backreferences).
   *
   * @throws KafkaError `INVALID_GROUP_ID` without a `groupId`; `INVALID_STATE` if partitions are assigned by hand;
   * `INVALID_TOPIC_EXCEPTION` for a name that no topic can have
   */
  subscribe(topics: string | readonly string[] | RegExp, listener: RebalanceListener = {}): void {
    const subscription =
      topics instanceof RegExp
        ? Subscription.toPattern(topics)
        : Subscription.toNames(typeof topics === "string" ? [topics] : checkedList("subscribe", topics));
    if (subscription.pattern === undefined && subscription.names.length === 0) {
      throw invalidArgument("Subscribe to at least one topic.");
    }
    for (const name of subscription.names) checkTopicName(name);
    this.#core.subscribe(subscription, listener);
  }

  /** Leaves the group after a last commit, or gives up what was assigned by hand. */
  async unsubscribe(): Promise<void> {
    await this.#core.unsubscribe();
  }

  /** The topics subscribed to; of a regular expression those that are known. */
  subscription(): string[] {
    return [...(this.#core.subscription?.topicsIn(this.#core.client.metadata.view) ?? [])];
  }

  /**
   * Reads exactly these partitions, without the group's management. Begins at offsets committed for `groupId` if there
   * is one, else where `autoOffsetReset` says; `seek` to begin elsewhere.
   *
   * @throws KafkaError `INVALID_STATE` if the consumer subscribes to topics
   */
  assign(partitions: Iterable<TopicPartition>): void {
    this.#core.assign(checkedList("assign", partitions, PARTITION));
  }

  /** The partitions that are read at this moment. */
  assignment(): TopicPartition[] {
    return this.#core.partitions.list();
  }

  /**
   * Joins the group (or takes up what was assigned by hand) before the first loop, and settles when partitions are
   * assigned and it is known where to begin: with `autoOffsetReset: "latest"`, records sent after this are read. Where the
   * consumer unsubscribes meanwhile it settles too.
   *
   * @throws KafkaError what {@link records} throws in the loop; `REQUEST_TIMED_OUT`; `ABORTED`
   */
  async start(options: CallOptions = {}): Promise<void> {
    checkCallOptions("start", options);
    await this.#core.start(options);
  }

  /** Goes on from `offset`. @throws KafkaError `NOT_ASSIGNED` */
  seek(partition: TopicPartition, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalidArgument(`${offset} is not an offset.`);
    this.#core.partitions.require(partition).seek({ offset, leaderEpoch: -1 });
    this.#core.onPartitionsChanged();
  }

  /** Goes on from the first offset that these partitions (default: all) still hold. */
  seekToBeginning(partitions?: Iterable<TopicPartition>): void {
    this.#seekTo("seekToBeginning", "earliest", partitions);
  }

  /** Goes on from the end of these partitions (default: all). */
  seekToEnd(partitions?: Iterable<TopicPartition>): void {
    this.#seekTo("seekToEnd", "latest", partitions);
  }

  /** Hands out no records of these partitions (default: all) until {@link resume}. They stay assigned. */
  pause(partitions?: Iterable<TopicPartition>): void {
    for (const state of this.#select("pause", partitions)) state.pause();
    this.#core.onPartitionsChanged();
  }

  /** Ends {@link pause}. */
  resume(partitions?: Iterable<TopicPartition>): void {
    for (const state of this.#select("resume", partitions)) state.resume();
    this.#core.onPartitionsChanged();
  }

  /** The partitions that are paused. */
  paused(): TopicPartition[] {
    const paused = [...this.#core.partitions].filter((state) => state.isPaused);
    return paused.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** Offset of the next record to come from a partition; waits until that is known. */
  async position(partition: TopicPartition, options: CallOptions = {}): Promise<number> {
    this.#core.checkOpen();
    const deadline = this.#core.client.deadline("Finding the position", options);
    return await this.#core.positionOf(partition, deadline);
  }

  /**
   * How many offsets the reader is behind the end of a partition, as of the last fetch; undefined before it.
   * @throws KafkaError `NOT_ASSIGNED`
   */
  currentLag(partition: TopicPartition): number | undefined {
    const { position, highWatermark } = this.#core.partitions.require(partition);
    if (position === undefined || highWatermark < 0) return undefined;
    return Math.max(0, highWatermark - position.offset);
  }

  /**
   * Commits all that was handed out so far, what is in hand included; within {@link run}, all that is finished.
   *
   * A member commits only for partitions that are its own. A commit that a cooperative rebalance gets in the way of is
   * made after it, if the partitions are still there.
   *
   * @throws KafkaError `NOT_ASSIGNED` if a partition is not this member's (any more): nothing is committed then, as
   *   another member may be further on; `REBALANCE_IN_PROGRESS`, `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID`,
   *   `FENCED_MEMBER_EPOCH` if the group has put this member out; `INVALID_GROUP_ID` without a group; others as Kafka's
   */
  commit(options?: CallOptions): Promise<void>;
  /** Commits up to and including a record or batch. */
  commit(upTo: ConsumerRecord<K, V> | ConsumerBatch<K, V>, options?: CallOptions): Promise<void>;
  /** Commits these offsets: of each partition the one to go on from, that of the last processed record plus one. */
  commit(offsets: Iterable<OffsetToCommit>, options?: CallOptions): Promise<void>;
  async commit(
    what: ConsumerRecord<K, V> | ConsumerBatch<K, V> | Iterable<OffsetToCommit> | CallOptions = {},
    options?: CallOptions,
  ): Promise<void> {
    this.#core.checkOpen();
    const { commits } = this.#core.group("Committing");
    if (typeof what !== "object" || what === null) {
      throw invalidArgument("commit takes a record, a batch, a list of offsets, or nothing.");
    }
    if (what instanceof ConsumerRecord || what instanceof ConsumerBatch)
      await commits.commit([offsetAfter(what)], options);
    else if (Symbol.iterator in what) await commits.commit(checkedList("commit", what, OFFSET), options);
    else await commits.commitHandedOut(what);
  }

  /** What the group has committed for `partitions`; those without a committed offset are left out. */
  async committed(partitions: Iterable<TopicPartition>, options?: CallOptions): Promise<CommittedOffset[]> {
    this.#core.checkOpen();
    const list = checkedList("committed", partitions, PARTITION);
    return await this.#core.group("Looking up committed offsets").offsets.fetch(list, options);
  }

  /** The first offset that each of `partitions` still holds. */
  async beginningOffsets(partitions: Iterable<TopicPartition>, options?: CallOptions): Promise<OffsetAndTimestamp[]> {
    return await this.#listOffsets(atTime("beginningOffsets", partitions, EARLIEST_TIMESTAMP), options);
  }

  /** The offset after the last record of each of `partitions` that this consumer may read. */
  async endOffsets(partitions: Iterable<TopicPartition>, options?: CallOptions): Promise<OffsetAndTimestamp[]> {
    return await this.#listOffsets(atTime("endOffsets", partitions, LATEST_TIMESTAMP), options);
  }

  /**
   * The first record of each partition at or after `timestampMs`, in the order of the queries; those without such a record
   * are left out.
   */
  async offsetsForTimes(queries: Iterable<OffsetQuery>, options?: CallOptions): Promise<OffsetAndTimestamp[]> {
    const list = checkedList("offsetsForTimes", queries, TIME);
    return (await this.#listOffsets(list, options)).filter(({ offset }) => offset >= 0);
  }

  /**
   * The partitions that a topic has. Waits for a topic that does not exist yet.
   * @throws KafkaError `INVALID_TOPIC_EXCEPTION` for a name that no topic can have
   */
  async partitionsFor(topic: string, options?: CallOptions): Promise<TopicPartition[]> {
    this.#core.checkOpen();
    checkTopicName(topic);
    const { client } = this.#core;
    const { partitions } = await client.metadata.topic(topic, client.deadline(`Looking up topic "${topic}"`, options));
    return partitions.map(({ partition }) => ({ topic, partition }));
  }

  /** Who this consumer is in its group. @throws KafkaError `INVALID_GROUP_ID` without a group */
  groupMetadata(): GroupMetadata {
    const { settings, member } = this.#core;
    const { groupId, groupInstanceId } = settings;
    if (groupId === null) throw noGroup("Group metadata");
    return member?.group ?? { groupId, groupInstanceId, memberId: "", generationId: -1 };
  }

  /**
   * All that was handed out so far, what is in hand included (within {@link run}, all that is finished), and in whose
   * name it can be committed: what a producer's transaction takes with `tx.sendOffsets(consumer)`.
   *
   * @throws KafkaError `INVALID_GROUP_ID` without a group; `REBALANCE_IN_PROGRESS` while the consumer subscribes and
   *   belongs to no generation of the group; `NOT_ASSIGNED` if records were handed out, since this was called last, of a
   *   partition that has gone to another member meanwhile, which gets them again: what was made of them must not be
   *   committed
   */
  transactionOffsets(): { readonly group: GroupMetadata; readonly offsets: OffsetToCommit[] } {
    this.#core.checkOpen();
    const { member, partitions } = this.#core;
    const group = { ...this.groupMetadata(), ...member?.committer };
    const leftBehind = partitions.takeLeftBehind();
    if (member !== undefined && leftBehind !== undefined) throw notOwned(leftBehind);
    const offsets = [...partitions].flatMap((state) => {
      const position = state.takeAlong();
      return position === undefined ? [] : [{ topic: state.topic, partition: state.partition, ...position }];
    });
    return { group, offsets };
  }

  /** How the consumer is doing: totals since it was made, and how things are now. Costs nothing until it is read. */
  metrics(): ConsumerMetrics {
    return this.#core.metrics();
  }

  /** Where the membership of the group stands. */
  get membershipState(): MembershipState {
    return this.#core.member?.state ?? "unjoined";
  }

  /**
   * Calls `listener` at each event of that name; returns how to stop that. In Node.js all events of all consumers are
   * also published with `diagnostics_channel`, as `ottla:consumer:<event>`, with `clientId` and `groupId`.
   */
  on<N extends keyof ConsumerEvents>(name: N, listener: (event: ConsumerEvents[N]) => void): () => void {
    requireEvent(CONSUMER_EVENTS, name, listener);
    return this.#core.events.on(name, listener);
  }

  /**
   * Commits what is processed, leaves the group, and closes all connections. A loop ends when it next asks for more;
   * what it has in hand is not waited for, and not committed. Closing again waits for the first close; for calls in a
   * rebalance listener see {@link RebalanceListener}.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    await this.#core.close(options?.timeoutMs ?? CLOSE_TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #seekTo(call: string, source: "earliest" | "latest", partitions: Iterable<TopicPartition> | undefined): void {
    for (const state of this.#select(call, partitions)) state.findPosition(source);
    this.#core.findPositions();
  }

  /** The states of `partitions`, or of all. */
  #select(call: string, partitions: Iterable<TopicPartition> | undefined): PartitionState<K, V>[] {
    const list = partitions === undefined ? undefined : checkedList(call, partitions, PARTITION);
    return this.#core.partitions.select(list);
  }

  async #listOffsets(queries: OffsetQuery[], options: CallOptions | undefined): Promise<OffsetAndTimestamp[]> {
    this.#core.checkOpen();
    const { client, settings } = this.#core;
    return await listOffsets(client, queries, settings.isolationLevel, client.deadline("Listing offsets", options));
  }
}

function offsetAfter<K, V>(what: ConsumerRecord<K, V> | ConsumerBatch<K, V>): OwnedOffset {
  const { topic, partition, leaderEpoch, owner } = what;
  return what instanceof ConsumerBatch
    ? { topic, partition, offset: what.nextOffset, leaderEpoch, owner }
    : { topic, partition, offset: what.offset + 1, leaderEpoch, owner };
}

function atTime(call: string, partitions: Iterable<TopicPartition>, timestampMs: number): OffsetQuery[] {
  return checkedList(call, partitions, PARTITION).map(({ topic, partition }) => ({ topic, partition, timestampMs }));
}
