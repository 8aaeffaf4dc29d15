/** What a run, and each part of it, may take. */
export interface TimeLimits {
  readonly runSeconds: number;
  /** A contestant's repetition, on average over those of a row. */
  readonly measureMs: number;
}

/** With less to do, starting to do it would be most of what is measured; a consumer would have all at once. */
const LEAST_SHARE = 0.2;
/** Who takes longer than this for the least share is not measured by its start: it does less. */
const LEAST_MS = 4_000;

/** A scenario that takes longer than planned has still something to do. */
const MOST_DONE = 0.9;

/**
 * Keeps a run within its time: a slow machine does less, it does not take longer. What a row's warm-up takes says how much
 * this machine does in a repetition's time; what the scenarios before took, how much of the time is left for this one.
 */
export class RunTime {
  readonly #limits: TimeLimits;
  readonly #plannedSeconds: number;
  readonly #nowMs: () => number;
  /** Planned seconds of the scenarios that are done, and of the one under way. */
  #done = 0;
  #current = 0;
  #begunAtSeconds = 0;

  /** @param nowMs since the process began */
  constructor(limits: TimeLimits, plannedSeconds: number, nowMs = () => performance.now()) {
    this.#limits = limits;
    this.#plannedSeconds = plannedSeconds;
    this.#nowMs = nowMs;
  }

  get elapsedSeconds(): number {
    return this.#nowMs() / 1_000;
  }

  /** Whether nothing more of this scenario is to begin. Half of what is planned for those that follow is kept for them. */
  get isOver(): boolean {
    const following = this.#plannedSeconds - this.#done - this.#current;
    return this.elapsedSeconds > this.#limits.runSeconds - following / 2;
  }

  /** The next scenario begins, for which so much is planned. */
  begin(plannedSeconds: number): void {
    this.#done += this.#current;
    this.#current = plannedSeconds;
    this.#begunAtSeconds = this.elapsedSeconds;
  }

  /**
   * The share of its work that each contestant of a row does in a repetition, where doing all of it takes each so long. Who is several
   * times slower than the others does less before they do: a row is no less exact for having a slow contestant.
   */
  sharesOf(wholeMs: readonly number[]): number[] {
    const capMs = capOf(wholeMs, this.#limits.measureMs * wholeMs.length * this.#pace());
    return wholeMs.map((ms) => Math.min(1, Math.max(Math.min(LEAST_SHARE, LEAST_MS / ms), capMs / ms)));
  }

  /** Below 1 where what is to come would take longer than there is time, if it is as slow as what is done. */
  #pace(): number {
    const elapsed = this.elapsedSeconds;
    const done = this.#done + Math.min(this.#current * MOST_DONE, elapsed - this.#begunAtSeconds);
    const needed = (this.#plannedSeconds - done) * Math.max(1, elapsed / done);
    return Math.max(0, Math.min(1, (this.#limits.runSeconds - elapsed) / needed));
  }
}

/** The most that one may take, so that all together take `budgetMs` where those who need less leave the others the rest. */
function capOf(neededMs: readonly number[], budgetMs: number): number {
  let left = budgetMs;
  const ascending = [...neededMs].sort((a, b) => a - b);
  for (const [index, ms] of ascending.entries()) {
    const evenMs = left / (ascending.length - index);
    if (ms > evenMs) return evenMs;
    left -= ms;
  }
  return Number.POSITIVE_INFINITY;
}
