import type { ConsumerEventHub } from "./events.ts";
import type { PartitionState } from "./partitions/partition-state.ts";

/** Running totals of a consumer since it was made, and how things are now. Sizes in bytes, times in ms. */
export interface ConsumerMetrics {
  /** Records that were handed to loops and handlers. */
  readonly recordsConsumedTotal: number;
  /** Bytes of the record batches that fetches brought, as they are stored. */
  readonly bytesFetchedTotal: number;
  /** Fetches that were answered, with or without records. */
  readonly fetchTotal: number;
  /** Mean time from a fetch to its answer; the broker may hold it back for `fetchMaxWaitMs`. */
  readonly fetchLatencyAvgMs: number;
  /** The longest that a fetch took to be answered, in milliseconds, the wait for records included. */
  readonly fetchLatencyMaxMs: number;
  /** How long brokers have told it to wait before the next fetch because of a quota, the mean over all answers, in milliseconds (`fetch-throttle-time-avg`). */
  readonly fetchThrottleTimeAvgMs: number;
  /** The longest such wait, in milliseconds (`fetch-throttle-time-max`); 0 where no quota was exceeded. */
  readonly fetchThrottleTimeMaxMs: number;
  /** What failed and was tried again: fetches, lookups of offsets, the group's requests. */
  readonly retryTotal: number;
  /** Commits that went well. */
  readonly commitTotal: number;
  /** Commits in the background that failed; the next one covers the same records. */
  readonly commitFailedTotal: number;
  /** How often the group gave this member partitions. */
  readonly rebalanceTotal: number;
  /** Partitions that are read now. */
  readonly assignedPartitions: number;
  /** Offsets between what was handed out and the ends of all partitions, as of the last fetches. */
  readonly recordsLag: number;
  /** The same of the partition that is furthest behind. */
  readonly recordsLagMax: number;
  /** Records that were fetched and not handed out yet, in bytes. */
  readonly prefetchedBytes: number;
}

/** The counters behind {@link ConsumerMetrics}: they add up what is told of anyway. */
export class ConsumerCounters {
  #fetches = 0;
  #bytes = 0;
  #latencySumMs = 0;
  #latencyMaxMs = 0;
  #throttleSumMs = 0;
  #throttleMaxMs = 0;
  #retries = 0;
  #commits = 0;
  #commitsFailed = 0;
  #rebalances = 0;

  constructor(events: ConsumerEventHub) {
    events.on("fetch", ({ sizeBytes, durationMs, throttleTimeMs }) => {
      this.#fetches++;
      this.#bytes += sizeBytes;
      this.#latencySumMs += durationMs;
      this.#latencyMaxMs = Math.max(this.#latencyMaxMs, durationMs);
      this.#throttleSumMs += throttleTimeMs;
      this.#throttleMaxMs = Math.max(this.#throttleMaxMs, throttleTimeMs);
    });
    events.on("retry", () => void this.#retries++);
    events.on("commit", () => void this.#commits++);
    events.on("commitFailed", () => void this.#commitsFailed++);
    events.on("assigned", () => void this.#rebalances++);
  }

  snapshot(partitions: Iterable<PartitionState<unknown, unknown>>, recordsConsumedTotal: number): ConsumerMetrics {
    const now = { assignedPartitions: 0, recordsLag: 0, recordsLagMax: 0, prefetchedBytes: 0 };
    for (const { position, highWatermark, readyBytes } of partitions) {
      const lag = position === undefined ? 0 : Math.max(0, highWatermark - position.offset);
      now.assignedPartitions++;
      now.recordsLag += lag;
      now.recordsLagMax = Math.max(now.recordsLagMax, lag);
      now.prefetchedBytes += readyBytes;
    }
    return {
      recordsConsumedTotal,
      bytesFetchedTotal: this.#bytes,
      fetchTotal: this.#fetches,
      fetchLatencyAvgMs: this.#fetches === 0 ? 0 : this.#latencySumMs / this.#fetches,
      fetchLatencyMaxMs: this.#latencyMaxMs,
      fetchThrottleTimeAvgMs: this.#fetches === 0 ? 0 : this.#throttleSumMs / this.#fetches,
      fetchThrottleTimeMaxMs: this.#throttleMaxMs,
      retryTotal: this.#retries,
      commitTotal: this.#commits,
      commitFailedTotal: this.#commitsFailed,
      rebalanceTotal: this.#rebalances,
      ...now,
    };
  }
}
