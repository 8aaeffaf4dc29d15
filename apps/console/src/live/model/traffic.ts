/** How quickly the figure follows: each second it takes in so much of what is new. */
const SMOOTHING = 0.4;

/** Records per second, smoothed. */
export class Traffic {
  #count = 0;
  #rate: number | undefined;
  #total = 0;

  add(records: number): void {
    this.#count += records;
    this.#total += records;
  }

  get total(): number {
    return this.#total;
  }

  /** As of the last {@link tick}. */
  get perSecond(): number {
    return this.#rate ?? 0;
  }

  /** `elapsedMs` have passed since the last call. */
  tick(elapsedMs: number): void {
    const now = (this.#count * 1_000) / elapsedMs;
    this.#rate = this.#rate === undefined ? now : this.#rate + SMOOTHING * (now - this.#rate);
    this.#count = 0;
  }
}
