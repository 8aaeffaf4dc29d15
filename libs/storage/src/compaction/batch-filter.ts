import { codecById, type RecordBatch, RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import {
  BATCH_HEADER_BYTES,
  baseTimestampAt,
  batchSizeAt,
  compressionAt,
  hasDeleteHorizonAt,
  isControlBatchAt,
  lastOffsetAt,
  maxTimestampAt,
  NO_PRODUCER_ID,
  producerEpochAt,
  producerIdAt,
  type RecordCursor,
  setMaxTimestamp,
} from "@ottla/protocol/internal";
import type { CleanedTransactions } from "./cleaned-transactions.ts";
import type { CompactionJob } from "./compaction-job.ts";
import type { OffsetMap } from "./offset-map.ts";

/** What a pass of compaction knows: the latest offset of every key up to `mappedEndOffset`. */
export interface KeyKnowledge {
  readonly map: OffsetMap;
  readonly mappedEndOffset: number;
}

/** `delete`: the batch goes with all its records; `retain-empty`: it stays, be it without records. */
type Retention = "delete" | "delete-empty" | "retain-empty";

/** Decides what is left of each batch of a log, met in order. The rules are Kafka's (KIP-98, KIP-534). */
export class BatchFilter {
  readonly #job: CompactionJob;
  readonly #keys: KeyKnowledge;
  readonly #transactions: CleanedTransactions;

  constructor(job: CompactionJob, keys: KeyKnowledge, transactions: CleanedTransactions) {
    this.#job = job;
    this.#keys = keys;
    this.#transactions = transactions;
  }

  /** The batch as it is (the same bytes), or written anew, or null where nothing is left of it. */
  async filter(bytes: Uint8Array, position: number): Promise<Uint8Array | null> {
    const original = bytes.subarray(position, position + batchSizeAt(bytes, position));
    const isControl = isControlBatchAt(original, 0);
    const isObsolete = isControl
      ? this.#transactions.isMarkerOfNothing(original, 0)
      : this.#transactions.isAbortedData(original, 0);
    const discardsRecords = isObsolete && (!isControl || this.#isHorizonPast(original));
    const retention = this.#retentionOf(original, discardsRecords);
    if (retention === "delete") return null;
    const batch = await readRecordBatch(original);
    const kept = discardsRecords ? NOTHING_KEPT : this.#look(batch, original, isControl);
    const isOnItsWayOut = kept.hasTombstones || (isControl && isObsolete && kept.count > 0);
    const needsHorizon = isOnItsWayOut && !hasDeleteHorizonAt(original, 0);
    if (kept.count === batch.recordsCount && !needsHorizon) {
      return batch.recordsCount > 0 || retention === "retain-empty" ? original : null;
    }
    if (kept.count > 0) return await this.#rewrite(batch, original, isControl, needsHorizon);
    return retention === "retain-empty" ? emptied(batch, original) : null;
  }

  #retentionOf(batch: Uint8Array, discardsRecords: boolean): Retention {
    if (producerIdAt(batch, 0) > NO_PRODUCER_ID && this.#isLastOfProducer(batch)) return "retain-empty";
    if (lastOffsetAt(batch, 0) + 1 === this.#keys.mappedEndOffset) return "retain-empty";
    return discardsRecords ? "delete" : "delete-empty";
  }

  /** The producer's state after a restart comes from this batch: its last sequence, or at least its epoch. */
  #isLastOfProducer(batch: Uint8Array): boolean {
    const last = this.#job.lastOfProducers.get(producerIdAt(batch, 0));
    if (last === undefined) return false;
    if (last.lastDataOffsets.length > 0) return last.lastDataOffsets.includes(lastOffsetAt(batch, 0));
    return isControlBatchAt(batch, 0) && producerEpochAt(batch, 0) === last.producerEpoch;
  }

  #isHorizonPast(batch: Uint8Array): boolean {
    return hasDeleteHorizonAt(batch, 0) && baseTimestampAt(batch, 0) <= this.#job.nowMs;
  }

  #look(batch: RecordBatch, original: Uint8Array, isControl: boolean): Kept {
    const dropsTombstones = this.#isHorizonPast(original);
    let count = 0;
    let hasTombstones = false;
    for (const cursor = batch.cursor(); cursor.next(); ) {
      if (!isControl && !this.#isKept(cursor, dropsTombstones)) continue;
      count++;
      if (cursor.valueLength < 0) hasTombstones = true;
    }
    return { count, hasTombstones };
  }

  #isKept(cursor: RecordCursor, dropsTombstones: boolean): boolean {
    const { map, mappedEndOffset } = this.#keys;
    if (cursor.offset >= mappedEndOffset) return true;
    if (cursor.keyLength < 0) return false;
    if (cursor.offset < map.get(cursor.bytes, cursor.keyStart, cursor.keyLength)) return false;
    return cursor.valueLength >= 0 || !dropsTombstones;
  }

  async #rewrite(
    batch: RecordBatch,
    original: Uint8Array,
    isControl: boolean,
    needsHorizon: boolean,
  ): Promise<Uint8Array> {
    const { nowMs, deleteRetentionMs } = this.#job;
    const dropsTombstones = this.#isHorizonPast(original);
    const hasDeleteHorizon = needsHorizon || hasDeleteHorizonAt(original, 0);
    const builder = new RecordBatchBuilder({
      initialCapacityBytes: original.length,
      baseTimestampMs: needsHorizon ? nowMs + deleteRetentionMs : baseTimestampAt(original, 0),
    });
    for (const cursor = batch.cursor(); cursor.next(); ) {
      if (isControl || this.#isKept(cursor, dropsTombstones)) {
        builder.appendCopy(cursor, cursor.offset - batch.baseOffset);
      }
    }
    const compression = codecById(compressionAt(original, 0))!.name;
    return await builder.close({ ...headerOf(batch), compression, hasDeleteHorizon });
  }
}

interface Kept {
  readonly count: number;
  readonly hasTombstones: boolean;
}

const NOTHING_KEPT: Kept = { count: 0, hasTombstones: false };

function headerOf(batch: RecordBatch) {
  return { ...batch, lastOffsetDelta: batch.lastOffset - batch.baseOffset };
}

/** The batch without its records: its offsets, its producer and its largest timestamp stay. */
function emptied(batch: RecordBatch, original: Uint8Array): Uint8Array {
  const maxTimestampMs = maxTimestampAt(original, 0);
  const builder = new RecordBatchBuilder({
    initialCapacityBytes: BATCH_HEADER_BYTES,
    baseTimestampMs: maxTimestampMs,
  });
  const empty = builder.close({ ...headerOf(batch), compression: "none" });
  setMaxTimestamp(empty, 0, maxTimestampMs);
  return empty;
}
