import type { KafkaError } from "@ottla/client";
import { type BatchContent, ConsumerBatch, RecordWalk, sliceContent } from "../batch.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import type { ConsumerRecord } from "../record.ts";
import { Moment } from "./moment.ts";

/** What delivering needs of the rest of the consumer. */
export interface DeliveryHost<K, V> {
  /** There is, or may be, room for more. */
  onRoom(): void;
  /** A chunk is being handed out: the next one will be wanted. */
  onChunkOpened(): void;
  /** What was fetched of a partition cannot be read. */
  onUnreadable(state: PartitionState<K, V>, error: unknown): void;
}

/** Several handlers at work at once. */
export interface Runner {
  /** What has been worked on for longest, as a number that changes when that does; undefined when nothing is. */
  readonly oldestInWork: number | undefined;
}

/** The chunk that is being handed out. */
interface OpenChunk<K, V> {
  readonly state: PartitionState<K, V>;
  /** The state's version when the chunk was opened; the chunk is void once that changes. */
  readonly version: number;
  readonly content: BatchContent<K, V>;
}

/**
 * Hands fetched records to the loop that reads, from one partition's chunk after another. What was handed out last is
 * in hand until the loop asks for more: then it counts as processed. A rebalance waits for that moment, and holds back
 * further records meanwhile.
 */
export class Delivery<K, V> {
  readonly #partitions: AssignedPartitions<K, V>;
  readonly #maxPollRecords: number;
  readonly #host: DeliveryHost<K, V>;
  #open: OpenChunk<K, V> | undefined;
  #walk: RecordWalk<K, V> | undefined;
  #inHand: PartitionState<K, V> | undefined;
  /** How many things of each partition several handlers work on at this moment. */
  readonly #inWork = new Map<PartitionState<K, V>, number>();
  #handOuts = 0;
  #recordsHandedOut = 0;
  #isEnded = false;
  #isFailed = false;
  #error: KafkaError | undefined;
  /** Where the search for the next chunk begins, so that partitions take turns. */
  #lastServed: PartitionState<K, V> | undefined;
  #runner: Runner | undefined;
  readonly #changed = new Moment();
  readonly #idle = new Moment();

  constructor(partitions: AssignedPartitions<K, V>, maxPollRecords: number, host: DeliveryHost<K, V>) {
    this.#partitions = partitions;
    this.#maxPollRecords = maxPollRecords;
    this.#host = host;
  }

  /** Something that is worked on, as a number that changes when that does; undefined when nothing is. */
  get oldestInWork(): number | undefined {
    if (this.#runner !== undefined) return this.#runner.oldestInWork;
    return this.#inHand === undefined ? undefined : this.#handOuts;
  }

  /** Records that loops and handlers were given since the consumer was made. */
  get recordsHandedOut(): number {
    return this.#recordsHandedOut;
  }

  /** Something may be there now to be handed out, or a reason to stop waiting. */
  notify(): void {
    this.#changed.give();
  }

  /** Hands nothing of these partitions out until {@link release}. */
  holdBack(states: Iterable<PartitionState<K, V>>): void {
    for (const state of states) state.hold();
  }

  release(states: Iterable<PartitionState<K, V>>): void {
    for (const state of states) state.unhold();
    this.notify();
  }

  /** The loop gets `error` the next time it asks. An error that waits there already goes first. */
  raise(error: KafkaError): void {
    this.#error ??= error;
    this.notify();
  }

  async #waitForMore(signal: AbortSignal | undefined): Promise<void> {
    this.#host.onRoom();
    await this.#changed.next(signal);
  }

  /** Throws what was raised, once. */
  throwRaised(): void {
    const error = this.#error;
    if (error === undefined) return;
    if (!this.#isFailed) this.#error = undefined;
    throw error;
  }

  /** Every loop gets `error` from now on. */
  fail(error: KafkaError): void {
    this.#isFailed = true;
    this.#error = error;
    this.notify();
    this.#idle.give();
  }

  /** The loop ends the next time it asks. */
  end(): void {
    this.#isEnded = true;
    this.notify();
    this.#idle.give();
  }

  /** Settles when nothing of `states` (default: nothing at all) is worked on; with the signal at the latest. */
  async whenIdle(signal: AbortSignal, states?: readonly PartitionState<K, V>[]): Promise<void> {
    const isBusy = (state: PartitionState<K, V>) => state === this.#inHand || this.#inWork.has(state);
    const isAnyBusy = () => this.#inHand !== undefined || this.#inWork.size > 0;
    while ((states?.some(isBusy) ?? isAnyBusy()) && !this.#isEnded && !signal.aborted)
      await this.#idle.next(signal).catch(() => {});
  }

  /** Somebody works on something of `state`. */
  beginWork(state: PartitionState<K, V>): void {
    this.#inWork.set(state, (this.#inWork.get(state) ?? 0) + 1);
  }

  endWork(state: PartitionState<K, V>): void {
    const count = this.#inWork.get(state)! - 1;
    if (count > 0) this.#inWork.set(state, count);
    else this.#inWork.delete(state);
    this.#idle.give();
  }

  /** The loop asks for more: what is in hand counts as processed. */
  finishInHand(): void {
    if (this.#inHand === undefined) return;
    this.#inHand.markProcessed();
    this.abandonInHand();
  }

  /** The loop is over: what is in hand does not count as processed, but nobody works on it any more. */
  abandonInHand(): void {
    this.#inHand = undefined;
    this.#idle.give();
  }

  /** The runner takes care of what is in hand; returns the partition it is of. */
  takeOver(): PartitionState<K, V> | undefined {
    const state = this.#inHand;
    this.#inHand = undefined;
    return state;
  }

  /** Several are at work at once, and `runner` knows of them; undefined when that is over. */
  set runner(runner: Runner | undefined) {
    this.#runner = runner;
  }

  /** The next record if it is at hand. */
  takeRecord(): ConsumerRecord<K, V> | undefined {
    const open = this.#open;
    if (open === undefined || !this.#mayHandOut(open)) return undefined;
    try {
      const record = this.#walk!.take();
      if (record === undefined) this.#passOver(open.state, open.content);
      else this.#handOut(open.state, record.offset + 1, record.leaderEpoch, 1);
      return record;
    } catch (error) {
      this.#onUnreadable(open.state, error);
      return undefined;
    }
  }

  /** The next record, or undefined at the end. @throws what was raised; KafkaError `ABORTED` */
  async nextRecord(signal: AbortSignal | undefined): Promise<ConsumerRecord<K, V> | undefined> {
    for (;;) {
      const record = this.takeRecord();
      if (record !== undefined) return record;
      this.#open = await this.#nextChunk(signal);
      if (this.#open === undefined) return undefined;
      this.#walk = new RecordWalk(this.#open.content);
    }
  }

  /** The next batch, or undefined at the end. @throws what was raised; KafkaError `ABORTED` */
  async nextBatch(signal: AbortSignal | undefined): Promise<ConsumerBatch<K, V> | undefined> {
    for (;;) {
      this.#open = undefined;
      const chunk = await this.#nextChunk(signal);
      if (chunk === undefined) return undefined;
      const batch = this.#takeBatch(chunk);
      if (batch !== undefined) return batch;
    }
  }

  #takeBatch({ state, content }: OpenChunk<K, V>): ConsumerBatch<K, V> | undefined {
    try {
      const part = sliceContent(content, content.startOffset, this.#maxPollRecords);
      if (new RecordWalk(part).take() === undefined) {
        this.#passOver(state, part);
        return undefined;
      }
      const batch = new ConsumerBatch(state, part);
      this.#handOut(state, part.endOffset, part.leaderEpoch, batch.size);
      return batch;
    } catch (error) {
      this.#onUnreadable(state, error);
      return undefined;
    }
  }

  #handOut(state: PartitionState<K, V>, offset: number, leaderEpoch: number, recordsCount: number): void {
    state.handOut(offset, leaderEpoch);
    this.#recordsHandedOut += recordsCount;
    this.#inHand = state;
    this.#handOuts++;
  }

  /** Offsets that have no record to show (control batches, aborted transactions) count as processed. */
  #passOver(state: PartitionState<K, V>, { endOffset, leaderEpoch }: BatchContent<K, V>): void {
    if (state.position!.offset < endOffset) state.passOver(endOffset, leaderEpoch);
    state.markProcessed();
    this.#open = undefined;
  }

  #mayHandOut({ state, version }: OpenChunk<K, V>): boolean {
    const isVoid = state.version !== version || state.isPaused || state.isHeld;
    return !isVoid && !this.#isEnded && this.#error === undefined;
  }

  #onUnreadable(state: PartitionState<K, V>, error: unknown): void {
    this.#open = undefined;
    this.#host.onUnreadable(state, error);
  }

  /** Waits for a chunk that can be read; undefined at the end. */
  async #nextChunk(signal: AbortSignal | undefined): Promise<OpenChunk<K, V> | undefined> {
    for (;;) {
      this.throwRaised();
      if (this.#isEnded) return undefined;
      const state = this.#nextState();
      const chunk = state && (await this.#read(state));
      if (chunk !== undefined && this.#mayHandOut(chunk)) {
        this.#lastServed = chunk.state;
        this.#host.onRoom();
        this.#host.onChunkOpened();
        return chunk;
      }
      if (state === undefined) await this.#waitForMore(signal);
    }
  }

  /** The next partition in turn that has a chunk. */
  #nextState(): PartitionState<K, V> | undefined {
    let first: PartitionState<K, V> | undefined;
    let isAfterLast = false;
    for (const state of this.#partitions) {
      if (state.nextChunk !== undefined) {
        if (isAfterLast) return state;
        first ??= state;
      }
      isAfterLast ||= state === this.#lastServed;
    }
    return first;
  }

  /** The rest of a partition's chunk; undefined if it cannot be read, or is void by now. */
  async #read(state: PartitionState<K, V>): Promise<OpenChunk<K, V> | undefined> {
    const { version } = state;
    try {
      const content = await state.nextChunk!.content();
      if (state.version !== version) return undefined;
      const startOffset = Math.max(content.startOffset, state.position!.offset);
      return { state, version, content: { ...content, startOffset } };
    } catch (error) {
      if (state.version === version) this.#onUnreadable(state, error);
      return undefined;
    }
  }

  /** Begins to check and decompress what comes next, so that a codec that takes its time does so meanwhile. */
  readAhead(): void {
    const following = this.#lastServed?.followingChunk ?? this.#nextState()?.nextChunk;
    try {
      const content = following?.content();
      if (content instanceof Promise) content.catch(() => {});
    } catch {
      // Reading it in its turn fails in the same way, and deals with that.
    }
  }
}
