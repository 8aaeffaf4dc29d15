import type { Random } from "@ottla/runtime";
import type { LogConfig } from "../log-config.ts";
import type { LogState } from "./log-state.ts";

const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

/** What is appended next, as far as it decides on a new segment. */
export interface NextAppend {
  readonly sizeBytes: number;
  readonly lastOffset: number;
  /** The largest timestamp of its first batch: what a segment's age counts from that begins with it. */
  readonly firstTimestampMs: number;
  readonly maxTimestampMs: number;
}

/**
 * Decides when a segment is full. It looks at what is queued as if it were written already, so that the decision, and
 * with it the snapshot of the producers' state at the new segment's start, falls when offsets are assigned.
 */
export class RollPlanner {
  readonly #random: Random;
  #baseOffset = 0;
  #sizeBytes = 0;
  #createdMs = 0;
  /** The first batch's largest timestamp, or null in an empty segment. */
  #firstTimestampMs: number | null = null;
  #jitterMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes the active segment as it is: nothing is queued. */
  reset(state: LogState): void {
    const { active } = state.segments;
    this.#start(active.baseOffset, active.createdMs, state.config);
    this.#sizeBytes = active.sizeBytes;
    this.#firstTimestampMs = active.firstTimestampMs;
  }

  shouldRoll(next: NextAppend, state: LogState, nowMs: number): boolean {
    const { config } = state;
    if (this.#sizeBytes + next.sizeBytes > config.segmentBytes && this.#sizeBytes > 0) return true;
    if (next.lastOffset - this.#baseOffset > MAX_RELATIVE_OFFSET) return true;
    return this.#sizeBytes > 0 && (this.#isOld(next, config, nowMs) || this.#isIndexFull(state));
  }

  /** Counts an append that is queued now, in a new segment where `rolls`. */
  queued(next: NextAppend, baseOffset: number, rolls: boolean, config: LogConfig, nowMs: number): void {
    if (rolls) this.#start(baseOffset, nowMs, config);
    this.#firstTimestampMs ??= next.firstTimestampMs;
    this.#sizeBytes += next.sizeBytes;
  }

  #start(baseOffset: number, createdMs: number, config: LogConfig): void {
    this.#baseOffset = baseOffset;
    this.#createdMs = createdMs;
    this.#sizeBytes = 0;
    this.#firstTimestampMs = null;
    const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs);
    this.#jitterMs = jitterMs > 0 ? Math.floor(this.#random.nextFloat() * jitterMs) : 0;
  }

  #isOld(next: NextAppend, config: LogConfig, nowMs: number): boolean {
    const first = this.#firstTimestampMs ?? -1;
    const ageMs = first >= 0 ? next.maxTimestampMs - first : nowMs - this.#createdMs;
    return ageMs > maxSegmentMs(config) - this.#jitterMs;
  }

  #isIndexFull(state: LogState): boolean {
    const { active } = state.segments;
    if (active.baseOffset !== this.#baseOffset) return false;
    const { offsetIndex, timeIndex } = active;
    const limitBytes = state.config.segmentIndexBytes;
    return (
      offsetIndex.index.sizeBytes + offsetIndex.index.entryBytes > limitBytes ||
      timeIndex.index.sizeBytes + 2 * timeIndex.index.entryBytes > limitBytes
    );
  }
}

/** What is written to is not compacted: `max.compaction.lag.ms` can be kept only by a segment that is closed in time. */
function maxSegmentMs({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): number {
  return cleanupPolicy.includes("compact") ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs;
}
