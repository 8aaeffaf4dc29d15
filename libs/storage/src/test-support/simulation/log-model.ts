import { type RecordBatch, type RecordView, readRecordBatch } from "@ottla/protocol";
import {
  assignOffsets,
  baseOffsetAt,
  batchSizeAt,
  checkBatchIntegrity,
  encodeEndTransactionMarker,
  lastOffsetAt,
} from "@ottla/protocol/internal";
import type { CrashKind } from "@ottla/runtime";
import { batch } from "../batches.ts";
import { START_MS } from "../fixture.ts";

/** A batch that was handed to the log, as it stands in the file. */
export interface WrittenBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly bytes: Uint8Array;
  /** The end of the batch before it: a larger gap nobody has made. */
  readonly previousEnd: number;
  readonly producer: { readonly id: number; readonly baseSequence: number } | null;
  /** What it does to a transaction. */
  readonly transaction: "data" | "commit" | "abort" | null;
}

export interface NewBatchOptions {
  readonly producerId?: number;
  readonly isTransactional?: boolean;
}

/** What the simulation expected of a log and did not find. */
export class Violation extends Error {
  override name = "Violation";
}

export function insist(condition: boolean, problem: () => string): asserts condition {
  if (!condition) throw new Violation(problem());
}

/**
 * What is known of one log by what it was told to do and has answered.
 *
 * Guarantees are lowered when an operation begins that may lower them, and raised when one has answered that raises
 * them: so they hold at every moment in between, which is when crashes come.
 */
export class LogModel {
  readonly name: string;
  /** Of five places that producers have; others are idempotent, and the first and last have none. */
  readonly transactionalPlaces: ReadonlySet<number> = new Set([3]);
  /** In order of offsets: what a read gives while the log runs. */
  batches: WrittenBatch[] = [];
  /** Everything that ever was in the log, or may have been, by its bytes. */
  readonly known = new Map<string, WrittenBatch>();
  /** What a killed process must have left at the end that never was acknowledged. */
  pending: WrittenBatch[] = [];
  endOffset = 0;
  /** Below it all is there after a killed process. */
  acknowledgedEnd = 0;
  /** Below it all is there after a power cut. */
  syncedEnd = 0;
  /** No record below it may be missed: it was deleted, or might be. */
  startMax = 0;
  /** The log start after a killed process, or a power cut, is not below these. */
  startAfterKill = 0;
  startAfterPowerCut = 0;
  leaderEpoch = 0;
  /** Offsets behind a gap that a power cut has made where it may. */
  readonly behindGaps = new Set<number>();
  #nextRecord = 0;
  #nextProducer = 1;
  #producers = new Map<number, number>();
  #nextSequences = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
  }

  /** Forgets what was cut off, as a truncation to `endOffset` will, whatever becomes of it. */
  lowerEnd(endOffset: number): void {
    this.acknowledgedEnd = Math.min(this.acknowledgedEnd, endOffset);
    this.syncedEnd = Math.min(this.syncedEnd, endOffset);
  }

  /** A batch of `count` records that no other batch has. */
  newBatch(count: number, options: NewBatchOptions = {}): Uint8Array {
    const serial = this.takeSerials(count);
    const timestampMs = START_MS + serial * 10;
    return batch({ count, valueBytes: 20 + (serial % 50), timestampMs, ...this.headerOf(options) });
  }

  protected takeSerials(count: number): number {
    this.#nextRecord += count;
    return this.#nextRecord - count;
  }

  protected headerOf({ producerId, isTransactional = false }: NewBatchOptions) {
    if (producerId === undefined) return { isTransactional };
    return { isTransactional, producerId, producerEpoch: 0, baseSequence: this.nextSequence(producerId) };
  }

  newMarker(producerId: number, type: "commit" | "abort"): Uint8Array {
    const timestampMs = START_MS + this.takeSerials(1) * 10;
    return encodeEndTransactionMarker({ producerId, producerEpoch: 0, type, coordinatorEpoch: 0, timestampMs });
  }

  /** The producer in one of the places that producers have: another one where the log may have forgotten it. */
  producerIn(place: number): number {
    return this.#producers.get(place) ?? this.#newProducer(place);
  }

  nextSequence(producerId: number): number {
    return this.#nextSequences.get(producerId) ?? 0;
  }

  /** Whether the producer has a transaction open. */
  isOpen(producerId: number): boolean {
    return openTransactions(this.batches).has(producerId);
  }

  /** Counts a batch as handed over. `bytes` get the offsets that the log gives them. */
  handedOver(
    bytes: Uint8Array,
    baseOffset: number,
    info: Pick<WrittenBatch, "producer" | "transaction">,
  ): WrittenBatch {
    const content = bytes.slice();
    assignOffsets(content, 0, baseOffset, this.leaderEpoch);
    const view = new DataView(content.buffer);
    const lastOffset = baseOffset + view.getInt32(23);
    const { leaderEpoch } = this;
    const previousEnd = (this.batches.at(-1)?.lastOffset ?? -1) + 1;
    const written = { ...info, baseOffset, lastOffset, leaderEpoch, bytes: content, previousEnd };
    this.known.set(keyOf(content), written);
    this.batches.push(written);
    this.pending.push(written);
    this.endOffset = lastOffset + 1;
    this.#countSequence(written);
    return written;
  }

  /** Of what was handed over the log has refused all but `accepted`. */
  refused(accepted: readonly WrittenBatch[]): void {
    const refused = this.batches.slice(accepted.length);
    for (const { producer, transaction } of refused) {
      if (transaction === "commit" || transaction === "abort" || producer === null) continue;
      this.#nextSequences.set(producer.id, Math.min(this.nextSequence(producer.id), producer.baseSequence));
    }
    this.batches = [...accepted];
    this.endOffset = refused[0]?.baseOffset ?? this.endOffset;
  }

  /** Nothing from `endOffset` on is in the log. */
  cut(endOffset: number): void {
    this.batches = this.batches.filter((one) => one.lastOffset < endOffset);
    this.endOffset = endOffset;
    this.lowerEnd(endOffset);
  }

  /** The batches in `bytes`, each of them one that was handed over, in ascending order and none twice. */
  async recognize(bytes: Uint8Array): Promise<WrittenBatch[]> {
    const found: WrittenBatch[] = [];
    let endOffset = -1;
    for (const at of checkedBatches(this, bytes)) {
      const content = bytes.subarray(at, at + batchSizeAt(bytes, at));
      const one = this.known.get(keyOf(content)) ?? this.#movedWithinGap(content);
      insist(one !== undefined, () => `${this.name}: a batch behind offset ${endOffset} was never written`);
      insist(one.baseOffset >= endOffset, () => `${this.name}: offset ${one.baseOffset} comes after ${endOffset}`);
      endOffset = one.lastOffset + 1;
      found.push(one);
    }
    const serials = new Set(found.map((one) => keyOf(one.bytes.subarray(16))));
    insist(serials.size === found.length, () => `${this.name}: a record is there twice`);
    return found;
  }

  /**
   * A torn write may leave a batch whole but for its base offset, which no CRC covers. Where a gap lies before the batch
   * nothing tells (docs/corruption.md): it is taken for one at the smaller offset.
   */
  #movedWithinGap(content: Uint8Array): WrittenBatch | undefined {
    const baseOffset = baseOffsetAt(content, 0);
    for (const one of this.known.values()) {
      if (baseOffset < one.previousEnd || baseOffset >= one.baseOffset || one.baseOffset < this.syncedEnd) continue;
      if (keyOf(one.bytes.subarray(8)) !== keyOf(content.subarray(8))) continue;
      const moved = { ...one, baseOffset, lastOffset: lastOffsetAt(content, 0), bytes: content.slice() };
      this.known.set(keyOf(content), moved);
      return moved;
    }
    return undefined;
  }

  /** The records of a batch that was found. */
  recordsOf(one: WrittenBatch): Iterable<Pick<RecordView, "offset" | "timestampMs">> {
    return readRecordBatch(one.bytes) as RecordBatch;
  }

  /** What has happened to the log, by what was found of it: everything below `guaranteedEnd` must have. */
  historyOf(found: readonly WrittenBatch[], _guaranteedEnd: number): WrittenBatch[] {
    return [...found];
  }

  /** Below it all must be there after such a crash. */
  guaranteedEnd(kind: CrashKind): number {
    return kind === "process" ? this.acknowledgedEnd : this.syncedEnd;
  }

  /** Takes what was found as the truth, once it has been checked. */
  adopt(kind: CrashKind, found: readonly WrittenBatch[], log: { logStartOffset: number; logEndOffset: number }): void {
    this.batches = this.historyOf(found, this.guaranteedEnd(kind));
    for (const [i, one] of found.entries()) {
      if (i > 0 && one.previousEnd !== found[i - 1]!.lastOffset + 1) this.behindGaps.add(one.baseOffset);
    }
    this.pending = [];
    this.endOffset = log.logEndOffset;
    this.acknowledgedEnd = log.logEndOffset;
    this.syncedEnd = kind === "power" ? log.logEndOffset : Math.min(this.syncedEnd, log.logEndOffset);
    this.startAfterKill = log.logStartOffset;
    if (kind === "process") this.startMax = Math.max(this.startMax, log.logStartOffset);
    else this.startMax = this.startAfterPowerCut = log.logStartOffset;
    this.#forgetProducers();
    this.leaderEpoch = Math.max(this.leaderEpoch, found.at(-1)?.leaderEpoch ?? 0);
  }

  #countSequence({ producer, transaction, baseOffset, lastOffset }: WrittenBatch): void {
    if (producer === null || transaction === "commit" || transaction === "abort") return;
    this.#nextSequences.set(producer.id, producer.baseSequence + (lastOffset - baseOffset) + 1);
  }

  /** Producers that the log shows go on; what it knows of others is not known here. */
  #forgetProducers(): void {
    this.#nextSequences.clear();
    for (const one of this.batches) this.#countSequence(one);
    for (const [place, id] of this.#producers) if (!this.#nextSequences.has(id)) this.#newProducer(place);
  }

  #newProducer(place: number): number {
    const id = this.#nextProducer++;
    this.#producers.set(place, id);
    return id;
  }
}

/** First offsets of the transactions that `batches` leave open, by producer. */
export function openTransactions(batches: readonly WrittenBatch[]): Map<number, number> {
  const open = new Map<number, number>();
  for (const { producer, transaction, baseOffset } of batches) {
    if (transaction === "data" && !open.has(producer!.id)) open.set(producer!.id, baseOffset);
    else if (transaction === "commit" || transaction === "abort") open.delete(producer!.id);
  }
  return open;
}

/** A transaction that `batches` show to be aborted. */
export interface AbortedByRecords {
  readonly producerId: number;
  /** Of its first record in `batches`. */
  readonly firstOffset: number;
  /** No marker of the producer comes before it in `batches`: it may have begun before them. */
  readonly mayBeginEarlier: boolean;
}

export function abortedTransactions(batches: readonly WrittenBatch[]): AbortedByRecords[] {
  const open = new Map<number, number>();
  const hasMarker = new Set<number>();
  const aborted: AbortedByRecords[] = [];
  for (const { producer, transaction, baseOffset } of batches) {
    if (producer === null) continue;
    const { id } = producer;
    if (transaction === "data" && !open.has(id)) open.set(id, baseOffset);
    if (transaction !== "commit" && transaction !== "abort") continue;
    const firstOffset = open.get(id);
    if (transaction === "abort" && firstOffset !== undefined)
      aborted.push({ producerId: id, firstOffset, mayBeginEarlier: !hasMarker.has(id) });
    hasMarker.add(id);
    open.delete(id);
  }
  return aborted;
}

/** Where the batches begin; each of them is whole. */
export function* checkedBatches({ name }: LogModel, bytes: Uint8Array): Iterable<number> {
  for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
    const problem = checkBatchIntegrity(bytes, at);
    insist(problem === null, () => `${name}: ${problem!.message}, at byte ${at} of what was read`);
    yield at;
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
