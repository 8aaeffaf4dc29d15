/** Buckets for each doubling: a quantile is off by at most 9%. */
const BUCKETS_PER_DOUBLING = 8;

/** The first bucket ends at 2^-10 (a microsecond, where the unit is a millisecond), the last one at 2^32. */
const FIRST_EXPONENT = -10;
const BUCKETS = (32 - FIRST_EXPONENT) * BUCKETS_PER_DOUBLING + 1;

/** A quantile tells of what was recorded in the last one to two of these. */
const WINDOW_MS = 150_000;

/**
 * How often values of which size were recorded. Recording is one logarithm and three additions to numbers; all else is
 * worked out when somebody looks.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;
  #windowStart: Float64Array | null = null;
  #formerWindowStart: Float64Array | null = null;
  #windowStartMs = Number.NEGATIVE_INFINITY;

  /** How many values were recorded. */
  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** The largest value that was recorded. */
  get max(): number {
    return this.#max;
  }

  record(value: number): void {
    this.#counts[bucketOf(value)]!++;
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /** How many values of at most `bound` were recorded; exact where `bound` is a power of two. */
  countUpTo(bound: number): number {
    const last = bucketOf(bound);
    let count = 0;
    for (let bucket = 0; bucket <= last; bucket++) count += this.#counts[bucket]!;
    return count;
  }

  /** The values that this share (such as 0.99) of what was recorded lately did not exceed; 0 where nothing was. */
  quantiles(shares: readonly number[], nowMs: number): number[] {
    this.#turnWindow(nowMs);
    const since = this.#formerWindowStart;
    let total = 0;
    const recent = this.#counts.map((count, bucket) => {
      const difference = count - (since?.[bucket] ?? 0);
      total += difference;
      return difference;
    });
    return shares.map((share) => valueAt(recent, total * share, this.#max));
  }

  #turnWindow(nowMs: number): void {
    if (nowMs - this.#windowStartMs < WINDOW_MS) return;
    this.#formerWindowStart = this.#windowStart;
    this.#windowStart = this.#counts.slice();
    this.#windowStartMs = nowMs;
  }
}

function bucketOf(value: number): number {
  if (!(value > 2 ** FIRST_EXPONENT)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil((Math.log2(value) - FIRST_EXPONENT) * BUCKETS_PER_DOUBLING));
}

function valueAt(counts: Float64Array, rank: number, max: number): number {
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    seen += count;
    if (count > 0 && seen >= rank) return Math.min(max, 2 ** (bucket / BUCKETS_PER_DOUBLING + FIRST_EXPONENT));
  }
  return 0;
}
