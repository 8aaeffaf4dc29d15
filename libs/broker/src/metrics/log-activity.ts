import type { Clock } from "@ottla/runtime";
import type { CompactedLog, LogObserver } from "@ottla/storage";
import { Histogram } from "./histogram.ts";

/** What the logs of all directories have done. Plain counters. */
export class LogActivity implements LogObserver {
  /** How long it took to bring what was written to disk, in ms. */
  readonly flushTimeMs = new Histogram();
  /** The last pass of compaction, or null before the first one. */
  lastCompacted: CompactedLog | null = null;
  compactionsCount = 0;
  /** When (monotonic) a cleaner last looked for work, or null where none has. */
  cleanerLookedAtMs: number | null = null;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  flushed(elapsedMs: number): void {
    this.flushTimeMs.record(elapsedMs);
  }

  cleanerLooked(): void {
    this.cleanerLookedAtMs = this.#clock.monotonicMs();
  }

  compacted(pass: CompactedLog): void {
    this.lastCompacted = pass;
    this.compactionsCount++;
  }
}
