import type { PartitionSequence } from "../idempotence/partition-sequence.ts";
import type { ProducerBatch } from "./producer-batch.ts";

/** When something is due. An event other than time is waited for where it is `NEVER`. */
export const NEVER = Number.POSITIVE_INFINITY;

/** From this size on a batch gains little by growing: what a request costs is small beside its bytes. */
const LARGE_BATCH_BYTES = 64 * 1024;

/** Among how many of a producer's last batches a broker recognizes one that it has already. */
const RECOGNIZED_BATCHES = 5;

/** By what rules a queue gives out its batches at a moment. */
export interface DrainRules {
  readonly nowMs: number;
  /** How old a batch that is not full has to be. */
  readonly lingerMs: number;
  /** The same for one of {@link LARGE_BATCH_BYTES} or more. */
  readonly largeLingerMs: number;
  /** The most batches of one partition that may be in flight. */
  readonly maxInFlight: number;
}

/** Who sends a queue's batches: the broker that leads the partition. */
export interface QueueDrainer {
  /** Since when it has had batches to send and could not, on the monotonic clock; null when it can. */
  readonly stalledSinceMs: number | null;
  /** Has the queue drained soon. */
  wake(queue: PartitionQueue): void;
  /** The queue holds a large batch that nothing more is added to just now: it leaves at once if it may. */
  wakeLarge(queue: PartitionQueue): void;
  /** The queue is another one's now. */
  forget(queue: PartitionQueue): void;
}

/**
 * The batches of one partition, in the order in which they are to be written: those to be sent again, then full ones,
 * then the one that still takes records.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Who drains the queue; null while the partition has no known leader. */
  drainer: QueueDrainer | null = null;
  /** Bytes of the batch that was sent last, uncompressed: what the next one may be expected to take. */
  lastBatchBytes = 0;
  /** The batch that takes records. */
  open: ProducerBatch | null = null;
  readonly #sealed: ProducerBatch[] = [];
  readonly #retries: ProducerBatch[] = [];
  readonly #inFlight: ProducerBatch[] = [];
  /** Null without idempotence. */
  readonly #sequence: PartitionSequence | null;
  #recordsTaken = 0;
  /** The orders of the batches that were sent last, with the next one as many as a broker recognizes. */
  readonly #sentLast: number[] = [];

  constructor(topic: string, partition: number, sequence: PartitionSequence | null) {
    this.topic = topic;
    this.partition = partition;
    this.#sequence = sequence;
  }

  /** Whether there is anything to send, now or later. */
  get hasUnsent(): boolean {
    return this.open !== null || this.#sealed.length > 0 || this.#retries.length > 0;
  }

  /** How many batches wait to be sent. */
  get backlog(): number {
    return this.#sealed.length + this.#retries.length + (this.open === null ? 0 : 1);
  }

  get hasUnfinished(): boolean {
    return this.hasUnsent || this.#inFlight.length > 0;
  }

  get sequence(): PartitionSequence | null {
    return this.#sequence;
  }

  /** Moves the open batch behind the full ones. @returns it, for its owner to seal */
  closeOpen(): ProducerBatch | null {
    const batch = this.open;
    this.open = null;
    if (batch === null) return null;
    this.lastBatchBytes = batch.sizeBytes;
    this.#sealed.push(batch);
    return batch;
  }

  /** In how many ms the next batch is due: 0 for now, `NEVER` where an event has to come first. */
  dueInMs(rules: DrainRules): number {
    if (this.#inFlight.length === 0) this.#sequence?.settle(this.#retries);
    if (this.#inFlight.length >= this.#maxInFlight(rules) || this.#sequence?.isResetting) return NEVER;
    const retry = this.#retries[0];
    if (retry !== undefined) return this.#retryDueInMs(retry, rules.nowMs);
    if (this.#sequence?.isUnresolved || this.#wouldHideOldest()) return NEVER;
    const sealed = this.#sealed[0];
    if (sealed !== undefined) return sealed.isReady ? 0 : NEVER;
    if (this.open === null) return NEVER;
    const lingerMs = this.isLarge ? rules.largeLingerMs : rules.lingerMs;
    return Math.max(0, this.open.createdAtMs + lingerMs - rules.nowMs);
  }

  /** The batch that is due next, which may be the open one: its owner seals it before {@link take}. */
  peek(): ProducerBatch | null {
    return this.#retries[0] ?? this.#sealed[0] ?? this.open;
  }

  /** Takes the batch that {@link peek} gave, to be sent. */
  take(): ProducerBatch {
    const batch = this.#retries.shift() ?? this.#sealed.shift();
    if (batch === undefined) throw new Error("there is no batch to take");
    if (batch.order < 0) this.#takeFirstTime(batch);
    insertInOrder(this.#inFlight, batch);
    if (batch.attempts === 0) this.#noteSent(batch);
    batch.attempts++;
    return batch;
  }

  /** Says that a batch in flight was answered, or that its request failed. */
  answered(batch: ProducerBatch): void {
    remove(this.#inFlight, batch);
  }

  /** Puts a batch back, to be sent again in its place. */
  retry(batch: ProducerBatch): void {
    insertInOrder(this.#retries, batch);
  }

  /** Puts the parts of a batch that was too large in its place. */
  retrySplit(parts: readonly ProducerBatch[]): void {
    for (const part of parts) insertInOrder(this.#retries, part);
  }

  /** Removes a batch that was given up, wherever it is; in flight it stays until it is answered. */
  discard(batch: ProducerBatch): void {
    if (this.open === batch) this.open = null;
    remove(this.#sealed, batch);
    remove(this.#retries, batch);
    if (batch.attempts > 0) this.#sequence?.markUnresolved();
  }

  /** Whether its open batch has grown large. */
  get isLarge(): boolean {
    return this.open !== null && this.open.sizeBytes >= LARGE_BATCH_BYTES;
  }

  /** Whether no batch of this partition that has a sequence comes before this one. */
  isFirstUnfinished(batch: ProducerBatch): boolean {
    return this.#isOldestUnfinished(batch) && (this.#retries[0]?.order ?? NEVER) >= batch.order;
  }

  /** Whether the batch was sent and is not answered yet. */
  isInFlight(batch: ProducerBatch): boolean {
    return this.#inFlight.includes(batch);
  }

  /** Everything that is not done, oldest first. */
  unfinished(): ProducerBatch[] {
    const open = this.open === null ? [] : [this.open];
    return [...this.#inFlight, ...this.#retries, ...this.#sealed, ...open];
  }

  /**
   * A broker recognizes duplicates among a producer's last five batches. While one is being sent again it must stay
   * among them, however often that takes: nothing else is sent until it is done.
   */
  #maxInFlight({ maxInFlight }: DrainRules): number {
    if (this.#sequence === null) return maxInFlight;
    const isRetrying = this.#inFlight.length > 0 && this.#inFlight[0]!.attempts > 1;
    return isRetrying || !this.#sequence.isEstablished ? 1 : maxInFlight;
  }

  /**
   * Whether one batch more could go between the oldest that is not answered and what its broker still recognizes. The
   * oldest waits longer than those behind it where the leader has changed: the old one may never answer, while the new
   * one, which has the batch from it, takes the next ones.
   */
  #wouldHideOldest(): boolean {
    if (this.#sequence === null || this.#sentLast.length < RECOGNIZED_BATCHES - 1) return false;
    return (this.#inFlight[0]?.order ?? NEVER) < this.#sentLast[0]!;
  }

  #noteSent(batch: ProducerBatch): void {
    this.#sentLast.push(batch.order);
    if (this.#sentLast.length >= RECOGNIZED_BATCHES) this.#sentLast.shift();
  }

  #retryDueInMs(retry: ProducerBatch, nowMs: number): number {
    if (!retry.isReady || !this.#isOldestUnfinished(retry)) return NEVER;
    return Math.max(0, retry.retryAtMs - nowMs);
  }

  #takeFirstTime(batch: ProducerBatch): void {
    this.#sequence?.assign(batch, this.#inFlight.length > 0);
    batch.order = this.#recordsTaken;
    this.#recordsTaken += batch.recordsCount;
  }

  /** With idempotence a batch is sent again only once all before it are done: the broker would refuse it. */
  #isOldestUnfinished(batch: ProducerBatch): boolean {
    return this.#sequence === null || (this.#inFlight[0]?.order ?? NEVER) >= batch.order;
  }
}

function insertInOrder(batches: ProducerBatch[], batch: ProducerBatch): void {
  let index = batches.length;
  while (index > 0 && batches[index - 1]!.order > batch.order) index--;
  batches.splice(index, 0, batch);
}

function remove(batches: ProducerBatch[], batch: ProducerBatch): void {
  const index = batches.indexOf(batch);
  if (index >= 0) batches.splice(index, 1);
}
