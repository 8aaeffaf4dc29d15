/** Latencies of which percentiles are asked for. Beyond this many every second one is dropped, as often as needed. */
const KEPT_MAX = 1_000_000;

/** Latencies in milliseconds, kept evenly spread over the run. */
export class Latencies {
  #kept: number[] = [];
  #every = 1;
  #count = 0;
  #sum = 0;
  #max = 0;

  add(latencyMs: number): void {
    if (this.#count++ % this.#every === 0) this.#kept.push(latencyMs);
    this.#sum += latencyMs;
    if (latencyMs > this.#max) this.#max = latencyMs;
    if (this.#kept.length <= KEPT_MAX) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  get count(): number {
    return this.#count;
  }

  get avgMs(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get maxMs(): number {
    return this.#max;
  }

  /** The latencies that these shares (such as 0.99) did not exceed. */
  percentiles(shares: readonly number[]): number[] {
    const sorted = Float64Array.from(this.#kept).sort();
    return shares.map((share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0);
  }
}
