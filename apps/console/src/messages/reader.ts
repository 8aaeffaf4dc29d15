import { Consumer, type ConsumerRecord, type TopicPartition } from "@ottla/consumer";
import { admin, clientOptions } from "../app/cluster.ts";
import type { Filter } from "./filter.ts";

/** Where reading begins. */
export type Start =
  | { readonly kind: "newest" | "oldest" | "live" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly timestampMs: number };

/** What to read. */
export interface ReadQuery {
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly start: Start;
  readonly filter: Filter | null;
  /** Stops when so many records were found (a live tail keeps the last ones). */
  readonly limit: number;
}

/** How far it is. */
export interface ReadProgress {
  readonly records: readonly ConsumerRecord[];
  /** Records looked at, found or not. */
  readonly scanned: number;
  /** Records that lay between start and end when it began; for a live tail those that came. */
  readonly total: number;
  readonly isDone: boolean;
  /** Whether there is more after what was found. */
  readonly hasMore: boolean;
}

/** A page is not a stream processor: a filter that finds nothing stops here, and can be asked to go on. */
const SCANNED_MAX = 500_000;

/** So often is what was found handed on, and looked whether what is missing are no records. */
const REPORT_MS = 200;

/** Where each partition is read from, and up to where. */
interface Range extends TopicPartition {
  readonly from: number;
  readonly end: number;
}

/**
 * Reads records in a consumer of its own, without a group. Records of several partitions are merged by time.
 * Nothing is kept but what was found: at most `limit` records.
 */
export class RecordReader {
  readonly #query: ReadQuery;
  readonly #onProgress: (progress: ReadProgress) => void;
  readonly #abort = new AbortController();
  #consumer: Consumer | null = null;
  /** Copies, at most `limit`. */
  #kept: ConsumerRecord[] = [];
  /** Found since, still views over their batches. */
  #fresh: ConsumerRecord[] = [];
  readonly #foundByPartition = new Map<number, number>();
  #scanned = 0;
  #total = 0;
  /** Whether a partition was left before its end. */
  #isCutShort = false;
  #planned: ReturnType<typeof setTimeout> | undefined;

  constructor(query: ReadQuery, onProgress: (progress: ReadProgress) => void) {
    this.#query = query;
    this.#onProgress = onProgress;
  }

  /** Resolves when all is found, the end is reached, or it was stopped. */
  async run(): Promise<void> {
    try {
      const ranges = await this.#ranges();
      this.#total = ranges.reduce((sum, { from, end }) => sum + Math.max(0, end - from), 0);
      const isLive = this.#query.start.kind === "live";
      const toRead = isLive ? ranges : ranges.filter(({ from, end }) => from < end);
      if (isLive) this.#report(false);
      if (toRead.length > 0 && !this.#abort.signal.aborted) await this.#read(toRead, isLive);
      this.#report(true);
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    } finally {
      clearTimeout(this.#planned);
      await this.#consumer?.close();
    }
  }

  stop(): void {
    this.#abort.abort();
    void this.#consumer?.close();
  }

  async #ranges(): Promise<Range[]> {
    const { topic, partitions, start, limit } = this.#query;
    const ask = async (spec: "earliest" | "latest" | { readonly timestampMs: number }) =>
      new Map(
        (await admin.listOffsets(partitions.map((partition) => ({ topic, partition, spec })))).map((found) => [
          found.partition,
          found.offset,
        ]),
      );
    const [begins, ends] = await Promise.all([ask("earliest"), ask("latest")]);
    const byTime = start.kind === "time" ? await ask({ timestampMs: start.timestampMs }) : null;
    return partitions.map((partition) => {
      const [begin, end] = [begins.get(partition) ?? 0, ends.get(partition) ?? 0];
      const wanted = () => {
        if (start.kind === "live") return end;
        if (start.kind === "offset") return start.offset;
        if (byTime !== null) return byTime.get(partition)! < 0 ? end : byTime.get(partition)!;
        // The newest are found from behind: all that a filter may look at, else no more than is shown.
        return start.kind === "oldest" ? begin : end - (this.#query.filter === null ? limit : SCANNED_MAX);
      };
      return { topic, partition, from: Math.min(end, Math.max(begin, wanted())), end };
    });
  }

  async #read(ranges: readonly Range[], isLive: boolean): Promise<void> {
    const consumer = new Consumer({
      ...clientOptions,
      autoOffsetReset: "earliest",
      fetchMaxWaitMs: 250,
      // A topic that somebody deletes meanwhile would come back, empty, because it is looked at.
      allowAutoCreateTopics: false,
    });
    this.#consumer = consumer;
    consumer.assign(ranges);
    for (const { topic, partition, from } of ranges) consumer.seek({ topic, partition }, from);
    const ends = new Map(ranges.map(({ partition, end }) => [partition, isLive ? Number.POSITIVE_INFINITY : end]));
    const open = new Set(ranges.map(({ partition }) => partition));
    const timer = isLive ? undefined : setInterval(() => void this.#passMarkers(consumer, ranges, open), REPORT_MS);
    try {
      for await (const batch of consumer.batches({ signal: this.#abort.signal })) {
        const end = ends.get(batch.partition) ?? 0;
        for (const record of batch) if (record.offset < end) this.#take(record);
        const isAtEnd = batch.nextOffset >= end;
        if (isAtEnd || this.#hasEnoughOf(batch.partition)) {
          open.delete(batch.partition);
          consumer.pause([batch]);
        }
        this.#planReport();
        const isEnough = !isLive && this.#scanned >= SCANNED_MAX && open.size > 0;
        this.#isCutShort ||= isEnough || (!isAtEnd && !open.has(batch.partition));
        if (isEnough || (!isLive && open.size === 0)) return;
      }
    } finally {
      clearInterval(timer);
    }
  }

  /** The last offsets of a partition may have no record: markers of transactions, or what compaction took. No batch comes of them. */
  async #passMarkers(consumer: Consumer, ranges: readonly Range[], open: Set<number>): Promise<void> {
    for (const range of ranges.filter(({ partition }) => open.has(partition))) {
      const position = await consumer.position(range).catch(() => Number.NaN);
      if (position >= range.end) open.delete(range.partition);
    }
    if (open.size === 0) await consumer.close();
  }

  #take(record: ConsumerRecord): void {
    this.#scanned++;
    const { filter, limit } = this.#query;
    if (filter !== null && !filter(record)) return;
    this.#fresh.push(record);
    this.#foundByPartition.set(record.partition, (this.#foundByPartition.get(record.partition) ?? 0) + 1);
    if (this.#fresh.length >= 2 * limit && this.#keepsLast()) this.#trim();
  }

  /** The newest and the live are what came last; the others what came first. */
  #keepsLast(): boolean {
    const { kind } = this.#query.start;
    return kind === "newest" || kind === "live";
  }

  /** Records that are kept stand alone: a batch is no longer held by the one record of it that was found. */
  #trim(): void {
    const { limit } = this.#query;
    const merged = [...this.#kept, ...this.#fresh].sort(byTime);
    const fresh = new Set(this.#fresh);
    const chosen = this.#keepsLast() ? merged.slice(-limit) : merged.slice(0, limit);
    this.#kept = chosen.map((record) => (fresh.has(record) ? record.copy() : record));
    this.#fresh = [];
  }

  /** The first ones of all partitions together are among the first ones of each. */
  #hasEnoughOf(partition: number): boolean {
    return !this.#keepsLast() && (this.#foundByPartition.get(partition) ?? 0) >= this.#query.limit;
  }

  /** No more often than is worth drawing, and never later than that after the last batch. */
  #planReport(): void {
    this.#planned ??= setTimeout(() => this.#report(false), REPORT_MS);
  }

  #report(isDone: boolean): void {
    clearTimeout(this.#planned);
    this.#planned = undefined;
    if (this.#abort.signal.aborted) return;
    const found = [...this.#foundByPartition.values()].reduce((sum, count) => sum + count, 0);
    this.#trim();
    this.#onProgress({
      records: this.#keepsLast() ? this.#kept.toReversed() : this.#kept,
      scanned: this.#scanned,
      total: this.#total,
      isDone,
      hasMore: this.#isCutShort || found > this.#query.limit,
    });
  }
}

function byTime(a: ConsumerRecord, b: ConsumerRecord): number {
  return a.timestampMs - b.timestampMs || a.partition - b.partition || a.offset - b.offset;
}
