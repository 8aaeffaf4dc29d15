import { codecByName, type RecordBatch, RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import { batchSizeAt, compressionAt } from "@ottla/protocol/internal";
import type { Random } from "@ottla/runtime";
import type { CompactionJob } from "../../compaction/compaction-job.ts";
import { START_MS } from "../fixture.ts";
import { checkedBatches, insist, LogModel, type NewBatchOptions, type WrittenBatch } from "./log-model.ts";

const KEYS = 8;
/** One of so many records is one. */
const TOMBSTONES = 3;
/** All compress at once once they are loaded: else they would take the order of events out of the seed's hands. */
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

/** To be called before a simulation begins. */
export async function loadCodecs(): Promise<void> {
  for (const name of CODECS) await codecByName(name).compress(new Uint8Array(8));
}

/** A record of the table. Its timestamp is no other's. */
export interface TableRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  readonly value: string | null;
}

/** What is known of a compacted log: records may go, but only those that something later replaces. */
export class TableModel extends LogModel {
  override readonly transactionalPlaces: ReadonlySet<number> = new Set([2, 3]);
  /** What lies below may have been compacted. */
  compactedEnd = 0;
  /** When (wall clock) the last compaction began. */
  lastCleanedMs = Number.NEGATIVE_INFINITY;
  /** What was written, decoded. */
  readonly #written = new Map<WrittenBatch, readonly TableRecord[]>();
  /** What was found of it when the log was read last. */
  readonly #found = new Map<WrittenBatch, readonly TableRecord[]>();
  /** When (wall clock) a compaction that may have met the batch first began. */
  readonly #firstCleanedMs = new Map<WrittenBatch, number>();
  readonly #byBaseOffset = new Map<number, WrittenBatch[]>();
  readonly #random: Random;

  constructor(name: string, random: Random) {
    super(name);
    this.#random = random;
  }

  override newBatch(count: number, options: NewBatchOptions = {}): Uint8Array {
    const serial = this.takeSerials(count);
    const builder = new RecordBatchBuilder();
    for (let i = 0; i < count; i++) {
      const isTombstone = this.#random.nextInt(TOMBSTONES) === 0;
      const value = isTombstone ? null : `value-${serial + i}`.padEnd(20 + (serial % 50), ".");
      builder.append(`key-${this.#random.nextInt(KEYS)}`, value, [], START_MS + (serial + i) * 10);
    }
    const compression = CODECS[this.#random.nextInt(CODECS.length)]!;
    return builder.close({ ...this.headerOf(options), compression }) as Uint8Array;
  }

  override handedOver(
    bytes: Uint8Array,
    baseOffset: number,
    info: Pick<WrittenBatch, "producer" | "transaction">,
  ): WrittenBatch {
    const written = super.handedOver(bytes, baseOffset, info);
    this.#byBaseOffset.set(baseOffset, [...(this.#byBaseOffset.get(baseOffset) ?? []), written]);
    return written;
  }

  /**
   * A compaction is about to begin. It reads only what the log believes to be synced: that is a promise, and what it
   * removes for the sake of something later must not be outlived by it.
   */
  compactionBegins({ endOffset, nowMs }: CompactionJob): void {
    this.compactedEnd = Math.max(this.compactedEnd, endOffset);
    this.syncedEnd = Math.max(this.syncedEnd, endOffset);
    this.lastCleanedMs = nowMs;
    for (const one of this.batches) {
      if (one.lastOffset < endOffset && !this.#firstCleanedMs.has(one)) this.#firstCleanedMs.set(one, nowMs);
    }
  }

  /** When a compaction met the batch first; never, if none has. */
  firstCleanedMs(one: WrittenBatch): number {
    return this.#firstCleanedMs.get(one) ?? Number.POSITIVE_INFINITY;
  }

  /** The batches in `bytes`: each what is left of one that was written, with everything but its records as it was. */
  override async recognize(bytes: Uint8Array): Promise<WrittenBatch[]> {
    this.#found.clear();
    let endOffset = -1;
    for (const at of checkedBatches(this, bytes)) {
      const batch = await readRecordBatch(bytes.subarray(at, at + batchSizeAt(bytes, at)));
      insist(batch.baseOffset >= endOffset, () => `table: offset ${batch.baseOffset} comes after ${endOffset}`);
      endOffset = batch.lastOffset + 1;
      const records = recordsIn(batch);
      const one = await this.#writtenAs(batch, records);
      insist(one !== undefined, () => `table: the batch at ${batch.baseOffset} is not what was written there`);
      checkHeader(batch, await readRecordBatch(one.bytes));
      const isSameCodec = records.length === 0 || compressionAt(bytes, at) === compressionAt(one.bytes, 0);
      insist(isSameCodec, () => `table: the batch at ${one.baseOffset} has lost its compression`);
      this.#found.set(one, records);
    }
    return [...this.#found.keys()];
  }

  override recordsOf(one: WrittenBatch): readonly TableRecord[] {
    return this.#found.get(one) ?? [];
  }

  /** What the batch had when it was written. */
  async writtenRecordsOf(one: WrittenBatch): Promise<readonly TableRecord[]> {
    const known = this.#written.get(one);
    if (known !== undefined) return known;
    const batch = await readRecordBatch(one.bytes);
    const records = recordsIn(batch);
    this.#written.set(one, records);
    return records;
  }

  /** What is gone between batches that are there was compacted away: it has happened all the same. */
  override historyOf(found: readonly WrittenBatch[], guaranteedEnd: number): WrittenBatch[] {
    const present = new Set(found);
    const hasHappened = (one: WrittenBatch) => one.lastOffset < guaranteedEnd && one.lastOffset >= this.startMax;
    const gone = this.batches.filter((one) => !present.has(one) && hasHappened(one));
    return [...found, ...gone].sort((a, b) => a.baseOffset - b.baseOffset);
  }

  async #writtenAs(batch: RecordBatch, records: readonly TableRecord[]): Promise<WrittenBatch | undefined> {
    for (const one of this.#byBaseOffset.get(batch.baseOffset) ?? []) {
      if (one.lastOffset !== batch.lastOffset) continue;
      const original = await readRecordBatch(one.bytes);
      const written = new Map((await this.writtenRecordsOf(one)).map((record) => [record.offset, record]));
      const isSame = records.every((record) => isSameRecord(record, written.get(record.offset)));
      const timestamps = [original.maxTimestampMs, ...Array.from(written.values(), (record) => record.timestampMs)];
      if (isSame && (records.length > 0 || timestamps.includes(batch.maxTimestampMs))) return one;
    }
    return undefined;
  }
}

const HEADER_FIELDS = [
  "partitionLeaderEpoch",
  "producerId",
  "producerEpoch",
  "baseSequence",
  "isTransactional",
  "isControlBatch",
  "timestampType",
] as const;

function checkHeader(batch: RecordBatch, original: RecordBatch): void {
  for (const field of HEADER_FIELDS) {
    const isSame = batch[field] === original[field];
    insist(isSame, () => `table: ${field} at ${batch.baseOffset} is ${batch[field]}, not ${original[field]}`);
  }
}

/** Markers count as records when one looks for a timestamp. */
function recordsIn(batch: RecordBatch): TableRecord[] {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));
  return Array.from(batch, ({ offset, timestampMs, key, value }) => {
    return { offset, timestampMs, key: text(key) ?? "", value: text(value) };
  });
}

function isSameRecord(one: TableRecord, other: TableRecord | undefined): boolean {
  return (
    other !== undefined && one.timestampMs === other.timestampMs && one.key === other.key && one.value === other.value
  );
}
