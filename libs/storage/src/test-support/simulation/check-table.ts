import { codecById, type RecordBatch, readRecordBatch } from "@ottla/protocol";
import { batchSizeAt, compressionAt } from "@ottla/protocol/internal";
import type { SegmentedLog } from "../../log/segmented-log.ts";
import type { LogConfig } from "../../log-config.ts";
import { concat } from "../batches.ts";
import { insist, type WrittenBatch } from "./log-model.ts";
import type { TableModel, TableRecord } from "./table-model.ts";

/** What compaction was seen to have done, and how often. */
export type CompactionEffects = (
  | "record replaced"
  | "aborted record removed"
  | "tombstone removed"
  | "marker removed"
  | "batch emptied"
  | "batch rewritten"
  | `${"gzip" | "snappy" | "lz4" | "zstd"} batch rewritten`
)[];

type Outcome = "visible" | "aborted" | "open" | "marker";

/**
 * Holds a compacted log to what it must keep: below `guaranteedEnd` each record is there, unless it was aborted, a later
 * one of its key that counts was compacted with it, or it was a tombstone whose time is over. A marker stays while a
 * batch of its transaction does. Readers of committed records see the records of committed transactions, and no others.
 */
export async function checkTable(
  model: TableModel,
  log: SegmentedLog,
  config: LogConfig,
  found: readonly WrittenBatch[],
  guaranteedEnd: number,
): Promise<CompactionEffects> {
  const history = model.historyOf(found, guaranteedEnd);
  const check = new TableCheck(model, config, history, found, await historyRecords(model, history));
  for (const one of history) check.batch(one);
  await checkCommittedView(model, log, check, found);
  return check.effects;
}

async function historyRecords(model: TableModel, history: readonly WrittenBatch[]) {
  const records = new Map<WrittenBatch, readonly TableRecord[]>();
  for (const one of history) records.set(one, await model.writtenRecordsOf(one));
  return records;
}

class TableCheck {
  readonly effects: CompactionEffects = [];
  readonly #model: TableModel;
  readonly #config: LogConfig;
  readonly #found: ReadonlySet<WrittenBatch>;
  readonly #records: ReadonlyMap<WrittenBatch, readonly TableRecord[]>;
  readonly #outcomes: ReadonlyMap<WrittenBatch, Outcome>;
  /** Each marker's batches of data. */
  readonly #dataOf: ReadonlyMap<WrittenBatch, readonly WrittenBatch[]>;
  /** The last offset that counts for a key in what may have been compacted. */
  readonly #lastOf = new Map<string, number>();

  constructor(
    model: TableModel,
    config: LogConfig,
    history: readonly WrittenBatch[],
    found: readonly WrittenBatch[],
    records: ReadonlyMap<WrittenBatch, readonly TableRecord[]>,
  ) {
    this.#model = model;
    this.#config = config;
    this.#found = new Set(found);
    this.#records = records;
    const { outcomes, dataOf } = transactionsOf(history);
    this.#outcomes = outcomes;
    this.#dataOf = dataOf;
    for (const one of history) {
      if (outcomes.get(one) !== "visible" || one.lastOffset >= model.compactedEnd) continue;
      for (const { key, offset } of records.get(one)!) this.#lastOf.set(key, offset);
    }
  }

  outcomeOf(one: WrittenBatch): Outcome {
    return this.#outcomes.get(one)!;
  }

  batch(one: WrittenBatch): void {
    if (this.outcomeOf(one) === "marker") this.#marker(one);
    else this.#data(one);
  }

  #data(one: WrittenBatch): void {
    const left = new Set(this.#model.recordsOf(one).map(({ offset }) => offset));
    const written = this.#records.get(one)!;
    for (const record of written) {
      if (!left.has(record.offset) && record.offset >= this.#model.startMax) this.#missing(one, record);
    }
    if (!this.#found.has(one) || left.size === written.length) return;
    this.effects.push(left.size === 0 ? "batch emptied" : "batch rewritten");
    const codec = codecById(compressionAt(one.bytes, 0))!.name;
    if (left.size > 0 && codec !== "none") this.effects.push(`${codec} batch rewritten`);
  }

  #missing(one: WrittenBatch, record: TableRecord): void {
    const text = () => `table: the record ${record.key}@${record.offset}`;
    const { compactedEnd, lastCleanedMs } = this.#model;
    const { minCompactionLagMs } = this.#config;
    insist(one.lastOffset < compactedEnd, () => `${text()} is gone, and nothing from ${compactedEnd} on was compacted`);
    const isOldEnough = minCompactionLagMs === 0 || record.timestampMs <= lastCleanedMs - minCompactionLagMs;
    insist(isOldEnough, () => `${text()} is gone before min.compaction.lag.ms was over`);
    const outcome = this.outcomeOf(one);
    insist(outcome !== "open", () => `${text()} is gone while its transaction is open`);
    const isReplaced = this.#lastOf.get(record.key)! > record.offset;
    if (outcome === "aborted" || isReplaced) {
      this.effects.push(outcome === "aborted" ? "aborted record removed" : "record replaced");
      return;
    }
    insist(record.value === null, () => `${text()} was the last value of its key and is gone`);
    insist(this.#isTimeOver(one), () => `${text()} was a tombstone and is gone before delete.retention.ms was over`);
    this.effects.push("tombstone removed");
  }

  #marker(one: WrittenBatch): void {
    if (this.#found.has(one) || one.lastOffset < this.#model.startMax) return;
    const text = () => `table: the ${one.transaction} marker at ${one.baseOffset} is gone`;
    insist(one.lastOffset < this.#model.compactedEnd, () => `${text()}, and was not compacted`);
    const left = this.#dataOf.get(one)!.find((data) => this.#found.has(data));
    insist(left === undefined, () => `${text()}, and its batch at ${left?.baseOffset} is there`);
    insist(this.#isTimeOver(one), () => `${text()} before delete.retention.ms was over`);
    this.effects.push("marker removed");
  }

  #isTimeOver(one: WrittenBatch): boolean {
    return this.#model.lastCleanedMs >= this.#model.firstCleanedMs(one) + this.#config.deleteRetentionMs;
  }
}

function transactionsOf(history: readonly WrittenBatch[]) {
  const outcomes = new Map<WrittenBatch, Outcome>();
  const dataOf = new Map<WrittenBatch, readonly WrittenBatch[]>();
  const open = new Map<number, WrittenBatch[]>();
  for (const one of history) {
    const { transaction, producer } = one;
    outcomes.set(one, transaction === null ? "visible" : transaction === "data" ? "open" : "marker");
    if (transaction === null) continue;
    const data = open.get(producer!.id) ?? [];
    if (transaction === "data") {
      open.set(producer!.id, [...data, one]);
      continue;
    }
    for (const batch of data) outcomes.set(batch, transaction === "commit" ? "visible" : "aborted");
    dataOf.set(one, data);
    open.delete(producer!.id);
  }
  return { outcomes, dataOf };
}

/** What a consumer with `isolation.level=read_committed` makes of the log, as Kafka's does. */
async function checkCommittedView(
  model: TableModel,
  log: SegmentedLog,
  check: TableCheck,
  found: readonly WrittenBatch[],
): Promise<void> {
  const { logStartOffset, lastStableOffset } = log;
  const seen = await committedOffsets(log, logStartOffset);
  const expected = found
    .filter((one) => one.lastOffset < lastStableOffset && check.outcomeOf(one) === "visible")
    .flatMap((one) => model.recordsOf(one).map(({ offset }) => offset))
    .filter((offset) => offset >= logStartOffset);
  insist(seen.join() === expected.join(), () => {
    return `table: readers of committed records from ${logStartOffset} to ${lastStableOffset} see ${seen}, not ${expected}`;
  });
}

async function committedOffsets(log: SegmentedLog, startOffset: number): Promise<number[]> {
  const seen: number[] = [];
  let offset = startOffset;
  for (;;) {
    const read = await log.read(offset, { maxBytes: 300, minOneBatch: true, limit: "lastStable" });
    const bytes = concat(read.chunks);
    read.release();
    if (bytes.length === 0) return seen;
    const upcoming = [...read.abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset);
    const aborted = new Set<number>();
    for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
      const batch: RecordBatch = await readRecordBatch(bytes.subarray(at, at + batchSizeAt(bytes, at)));
      while (upcoming.length > 0 && upcoming[0]!.firstOffset <= batch.lastOffset)
        aborted.add(upcoming.shift()!.producerId);
      const isHidden = batch.isControlBatch || (batch.isTransactional && aborted.has(batch.producerId));
      if (batch.isControlBatch) aborted.delete(batch.producerId);
      for (const record of isHidden ? [] : batch) if (record.offset >= offset) seen.push(record.offset);
      offset = batch.lastOffset + 1;
    }
  }
}
