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

/** Counters of a broker at one moment of its clock. */
export interface BrokerCounters {
  readonly nodeId: number;
  readonly atMs: number;
  readonly counters: ReadonlyMap<string, number>;
}

/** The same of several brokers together, each of which has a clock and counters of its own. */
export class SummedRates {
  #byBroker = new Map<number, Rates>();

  /** A broker that is missing counts no more. */
  update(brokers: readonly BrokerCounters[]): void {
    this.#byBroker = new Map(
      brokers.map(({ nodeId, atMs, counters }) => {
        const rates = this.#byBroker.get(nodeId) ?? new Rates();
        rates.update(atMs, counters);
        return [nodeId, rates];
      }),
    );
  }

  /** Undefined where no broker knows. */
  of(name: string): number | undefined {
    const known = [...this.#byBroker.values()].map((rates) => rates.of(name)).filter((rate) => rate !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, rate) => sum + rate, 0);
  }
}
