import type { FetchedChunk } from "../fetch/fetched-chunk.ts";
import type { TopicPartition } from "../topic-partition.ts";

/** Where in a partition: an offset, and the epoch of the leader that took the record before it (-1 if not known). */
export interface Position {
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** Something handed out, up to an offset, that may be finished later than what comes after it. */
export interface HandedOut {
  readonly nextOffset: number;
  readonly leaderEpoch: number;
  isFinished: boolean;
  /** What it was handed out together with: void once the partition's position is set. */
  readonly among: readonly HandedOut[];
}

/** The replica that a partition's leader has named to read from (KIP-392). It counts for a while, and under that leader. */
export interface PreferredReplica {
  readonly brokerId: number;
  readonly leaderEpoch: number;
  readonly untilMs: number;
}

/** How the position of a partition is to be found, while it has none. */
export type PositionSource = "committed" | "earliest" | "latest" | "policy";

/** Stands for "no offset". */
const NONE = -1;

/**
 * What the consumer keeps of a partition that it reads. Offsets are plain numbers here, since they change with each
 * record.
 *
 * Invariant: processed offset <= position <= fetch offset; the chunks cover position to fetch offset without a gap.
 */
export class PartitionState<K, V> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to hand out; NONE until it is found. */
  #offset = NONE;
  #leaderEpoch = NONE;
  /** Up to where records count as processed: what is committed automatically. */
  #processedOffset = NONE;
  #processedLeaderEpoch = NONE;
  #committedOffset = NONE;
  /** Up to where records were not handed out since the position was set, or were taken along by a transaction. */
  #takenOffset = NONE;
  #source: PositionSource = "committed";
  /** The position that a broker refused, while the reset policy looks for another one. */
  #refusedOffset: number | null = null;
  #fetchOffset = NONE;
  /** Epoch of the leader that took the record before the fetch offset. */
  #fetchEpoch = NONE;
  /** The leader of this epoch, or a later one, is known to have what lies before the fetch offset. */
  #validEpoch = NONE;
  readonly #chunks: FetchedChunk<K, V>[] = [];
  #bufferedBytes = 0;
  #isPaused = false;
  /** Nothing is handed out: the partition is on its way in or out. */
  #isHeld = false;
  #lost: AbortController | undefined;
  #leaving: AbortController | undefined;
  #isReleased = false;
  /** Records handed out to several handlers at once that count as processed in the order of their offsets. */
  #unfinished: HandedOut[] = [];
  /** Goes up whenever the position is set: whatever was on its way for the old one is then dropped. */
  #version = 0;
  /** Failures to fetch in a row. */
  failures = 0;
  /** How often in a row what was fetched from the position could not be read. */
  unreadable = 0;
  /** Not fetched before this time, on the monotonic clock. */
  retryAtMs = 0;
  /** Who is read from in place of the leader. */
  preferred: PreferredReplica | undefined;
  /** When data last came, as a running number: whoever waits longest is served first. */
  servedTurn = 0;
  /** As of the last fetch; -1 before. */
  highWatermark = NONE;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Where the next record is to come from; undefined until it is found. */
  get position(): Position | undefined {
    return this.#offset === NONE ? undefined : { offset: this.#offset, leaderEpoch: this.#leaderEpoch };
  }

  /** How the position is to be found; undefined once there is one. */
  get source(): PositionSource | undefined {
    return this.#offset === NONE ? this.#source : undefined;
  }

  get refusedOffset(): number | null {
    return this.#refusedOffset;
  }

  get version(): number {
    return this.#version;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Given when the partition is not the consumer's any more. */
  get lostSignal(): AbortSignal {
    this.#lost ??= new AbortController();
    if (this.#isReleased) this.#lost.abort();
    return this.#lost.signal;
  }

  /** Where the next fetch begins: after what waits to be handed out. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  /** Given when the partition is held: it will not be for long that it is the consumer's. */
  get leavingSignal(): AbortSignal {
    this.#leaving ??= new AbortController();
    if (this.#isHeld) this.#leaving.abort();
    return this.#leaving.signal;
  }

  /** Epoch of the leader that took the record before {@link fetchOffset}; -1 if not known. */
  get fetchEpoch(): number {
    return this.#fetchEpoch;
  }

  /**
   * Whether the leader of `currentEpoch` has to be asked first whether its log still has what was read before. Within
   * the epoch of the last record read a log does not shrink.
   */
  needsValidation(currentEpoch: number): boolean {
    return this.#fetchEpoch !== NONE && currentEpoch > Math.max(this.#validEpoch, this.#fetchEpoch);
  }

  /** The leader of `currentEpoch` has what was read before. */
  markValid(currentEpoch: number): void {
    this.#validEpoch = Math.max(this.#validEpoch, currentEpoch);
  }

  /** Whether there is a position and the user wants records. */
  get isFetchable(): boolean {
    return this.#offset !== NONE && !this.#isPaused && !this.#isHeld;
  }

  /** Fetched bytes that wait to be handed out: those of the chunk that has been begun do not wait any more. */
  get readyBytes(): number {
    if (this.#isPaused || this.#isHeld) return 0;
    const first = this.#chunks[0];
    const begunBytes = first !== undefined && this.#offset > first.startOffset ? first.sizeBytes : 0;
    return this.#bufferedBytes - begunBytes;
  }

  /** The chunk to hand out from, unless paused. */
  get nextChunk(): FetchedChunk<K, V> | undefined {
    return this.#isPaused || this.#isHeld ? undefined : this.#chunks[0];
  }

  /** The chunk after that one. */
  get followingChunk(): FetchedChunk<K, V> | undefined {
    return this.#isPaused || this.#isHeld ? undefined : this.#chunks[1];
  }

  /** Where whoever takes over goes on: after what was handed out, of what several handlers work on what is finished. */
  get handedOut(): Position | undefined {
    if (this.#unfinished.length === 0) return this.position;
    if (this.#processedOffset === NONE) return undefined;
    return { offset: this.#processedOffset, leaderEpoch: this.#processedLeaderEpoch };
  }

  /** Whether records were handed out of which nobody has committed, or taken along in a transaction, where they end. */
  get hasUntaken(): boolean {
    return this.#offset > Math.max(this.#takenOffset, this.#committedOffset);
  }

  /** What is to be committed, if anything changed since the last commit. */
  get uncommitted(): Position | undefined {
    if (this.#processedOffset === this.#committedOffset || this.#processedOffset === NONE) return undefined;
    return { offset: this.#processedOffset, leaderEpoch: this.#processedLeaderEpoch };
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Hands out nothing, and is not fetched, until {@link unhold}. */
  hold(): void {
    this.#isHeld = true;
    this.#leaving?.abort();
    this.#leaving = undefined;
  }

  unhold(): void {
    this.#isHeld = false;
  }

  /** Goes on from `position`, whatever was there before. */
  seek({ offset, leaderEpoch }: Position): void {
    this.#dropFetched();
    this.#forgetUnfinished();
    this.#forgetFailures();
    this.#offset = offset;
    this.#leaderEpoch = leaderEpoch;
    this.#fetchOffset = offset;
    this.#fetchEpoch = leaderEpoch;
    this.#validEpoch = NONE;
    this.#refusedOffset = null;
    this.#processedOffset = offset;
    this.#processedLeaderEpoch = leaderEpoch;
    this.#takenOffset = offset;
  }

  /** Has no position until one is found in that way. */
  findPosition(source: PositionSource, refusedOffset: number | null = null): void {
    this.#dropFetched();
    this.#forgetUnfinished();
    this.#forgetFailures();
    this.#offset = NONE;
    this.#processedOffset = NONE;
    this.#source = source;
    this.#refusedOffset = refusedOffset;
  }

  /** Ends everything that is on its way for this partition, since it is not the consumer's any more. */
  release(): void {
    this.#dropFetched();
    this.#forgetUnfinished();
    this.#offset = NONE;
    this.#isReleased = true;
    this.#lost?.abort();
  }

  /**
   * Takes what a fetch from {@link fetchOffset} brought; the same from elsewhere is not taken: where the leader changes, the
   * old one and the new one may both be asked, and both may answer.
   */
  accept(chunk: FetchedChunk<K, V>): boolean {
    if (chunk.startOffset !== this.#fetchOffset) return false;
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.sizeBytes;
    this.#fetchOffset = chunk.nextOffset;
    if (chunk.leaderEpoch !== NONE) this.#fetchEpoch = chunk.leaderEpoch;
    return true;
  }

  /** Drops what waits, so that it is fetched again. */
  refetch(): void {
    this.#dropFetched();
    this.#fetchOffset = this.#offset;
    this.#fetchEpoch = this.#leaderEpoch;
  }

  /** Records below `offset` have been handed out. */
  handOut(offset: number, leaderEpoch: number): void {
    this.#offset = offset;
    this.#leaderEpoch = leaderEpoch;
    this.unreadable = 0;
    const chunk = this.#chunks[0];
    if (chunk === undefined || offset < chunk.nextOffset) return;
    this.#chunks.shift();
    this.#bufferedBytes -= chunk.sizeBytes;
  }

  /** There is nothing to hand out below `offset`. */
  passOver(offset: number, leaderEpoch: number): void {
    if (!this.hasUntaken) this.#takenOffset = offset;
    this.handOut(offset, leaderEpoch);
  }

  /** A transaction takes along where {@link handedOut} is. */
  takeAlong(): Position | undefined {
    const { handedOut } = this;
    if (handedOut !== undefined) this.#takenOffset = handedOut.offset;
    return handedOut;
  }

  /** What was handed out counts as processed; after what is handed out to several handlers, when that is finished. */
  markProcessed(): void {
    if (this.#unfinished.length === 0) this.#advance(this.#offset, this.#leaderEpoch);
    else this.trackHandedOut().isFinished = true;
  }

  /** What was handed out last is one of several things under way; it is to be told when it is finished. */
  trackHandedOut(): HandedOut {
    const among = this.#unfinished;
    const handedOut = { nextOffset: this.#offset, leaderEpoch: this.#leaderEpoch, isFinished: false, among };
    among.push(handedOut);
    return handedOut;
  }

  /** Whether it still matters if that is finished: not after the position was set to another one. */
  isUnderWay(handedOut: HandedOut): boolean {
    return handedOut.among === this.#unfinished;
  }

  /** Something under way is finished: all before the first that is not counts as processed. */
  finish(handedOut: HandedOut): void {
    if (!this.isUnderWay(handedOut)) return;
    handedOut.isFinished = true;
    let finished = 0;
    for (; this.#unfinished[finished]?.isFinished; finished++) {
      const { nextOffset, leaderEpoch } = this.#unfinished[finished]!;
      this.#advance(nextOffset, leaderEpoch);
    }
    if (finished > 0) this.#unfinished.splice(0, finished);
  }

  /** Goes back to the first record that is not finished, so that it is handed out again. */
  rewindToUnfinished(): void {
    if (this.#unfinished.length === 0 || this.#processedOffset === NONE) return;
    this.seek({ offset: this.#processedOffset, leaderEpoch: this.#processedLeaderEpoch });
  }

  /** What was committed by hand ahead of this stays. */
  #advance(nextOffset: number, leaderEpoch: number): void {
    if (nextOffset <= this.#processedOffset) return;
    this.#processedOffset = nextOffset;
    this.#processedLeaderEpoch = leaderEpoch;
  }

  /** What was handed out and then committed by hand is processed: an automatic commit must not go back behind it. */
  markCommitted(offset: number): void {
    this.#committedOffset = offset;
    if (offset <= this.#processedOffset || offset > this.#offset) return;
    this.#processedOffset = offset;
    this.#processedLeaderEpoch = this.#leaderEpoch;
  }

  #dropFetched(): void {
    this.#version++;
    this.#chunks.length = 0;
    this.#bufferedBytes = 0;
  }

  #forgetUnfinished(): void {
    this.#unfinished = [];
  }

  /** Begins with the leader, at once. */
  #forgetFailures(): void {
    this.failures = 0;
    this.unreadable = 0;
    this.retryAtMs = 0;
    this.preferred = undefined;
  }
}
