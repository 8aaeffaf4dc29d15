/** Growth per second of counters, between the last two times that somebody looked. */
export class Rates {
  #lastAtMs = 0;
  #last: ReadonlyMap<string, number> = new Map();
  #rates = new Map<string, number>();

  /** Takes in the counters as they are at `atMs`. One that is new, or has begun anew, has no rate yet. */
  update(atMs: number, counters: ReadonlyMap<string, number>): void {
    const elapsedSeconds = (atMs - this.#lastAtMs) / 1_000;
    if (elapsedSeconds <= 0) return;
    this.#rates = new Map();
    for (const [name, count] of counters) {
      const before = this.#last.get(name);
      if (before !== undefined && count >= before) this.#rates.set(name, (count - before) / elapsedSeconds);
    }
    this.#lastAtMs = atMs;
    this.#last = counters;
  }

  /** Undefined where it is not known yet. */
  of(name: string): number | undefined {
    return this.#rates.get(name);
  }
}
