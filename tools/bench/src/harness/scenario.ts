/** How long and how often to measure. */
export interface Effort {
  /** Measured repetitions of each contestant. */
  readonly repetitions: number;
  /** What a contestant that chooses its own amount of work spends on a repetition. */
  readonly repetitionMs: number;
  /** True for `--quick`: a scenario may leave out rows that take long. */
  readonly quick: boolean;
  /** How long the long load of `sustained` goes on; 0 for its usual seconds. */
  readonly soakMinutes: number;
  /** The share of its work that a contestant does that can do less; 1 where it is absent. See `RunTime`. */
  readonly share?: number;
}

/** What a contestant found in one repetition. */
export interface Measurement {
  /** In the row's unit. */
  readonly figure: number;
  /** The amount of work done for each second of CPU time: the steadier figure where others use the machine too. */
  readonly perCpuSecond?: number;
  /** The same for the client's process alone. */
  readonly perClientCpuSecond?: number;
  /** The same for the broker's process alone. */
  readonly perBrokerCpuSecond?: number;
  /** How long the broker's event loop was held up, 99th percentile over the last one to two minutes, in ms. */
  readonly brokerDelayP99Ms?: number;
  /** Its resident memory. */
  readonly brokerMegabytes?: number;
  /** Requests that it was sent, and bytes that it sent to consumers. */
  readonly brokerRequests?: number;
  readonly brokerMegabytesOut?: number;
  /** Where latency is meant. */
  readonly latencyMs?: LatencyMs;
}

/** The latencies that so many of the records stayed within. */
export interface LatencyMs {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Someone who answers a row's question. */
export interface Contestant {
  /** Ours are called `ottla…`. */
  readonly name: string;
  /** Whether it heeds {@link Effort.share}. */
  readonly canDoLess?: boolean;
  /** Where it differs from the row's. */
  readonly recordBytes?: number;
  /** Starts what it needs, so that the warm-up is nothing but a repetition. */
  prepare?(): Promise<void>;
  /** Measures once. Called before it counts too, to warm up. */
  measure(effort: Effort): Measurement | Promise<Measurement>;
  /** Releases what the contestant holds. */
  close?(): void | Promise<void>;
}

/** One question, put to several contestants. */
export interface Row {
  readonly name: string;
  /** Of all figures, such as `records/s`. */
  readonly unit: string;
  /** Which is better: more (rates, the default) or less (times, memory). */
  readonly better?: "more" | "less";
  /** The contestant that ratios refer to: the best rival, or a bare loop. */
  readonly baseline: string;
  readonly contestants: readonly Contestant[];
  /** Key and value of a record, where the figure counts records of one size: the table then has MB/s. */
  readonly recordBytes?: number;
  /** Whether it belongs to the main comparison, which `--picture` draws. */
  readonly isMain?: boolean;
  /** At most so many repetitions, for rows that take seconds each. */
  readonly repetitions?: number;
  /**
   * How often each contestant measures before it counts, in turns; once by default, never where it starts all that it
   * measures anew: a first time is like any other then.
   */
  readonly warmUps?: number;
}

/** A file of `scenarios/`: rows that belong together. */
export interface Scenario {
  /** What `--only` looks for. */
  readonly name: string;
  /** One line: what is measured, and what is not. */
  readonly description: string;
  /** About how long it takes on a quiet machine of two cores. */
  readonly quietSeconds: { readonly quick: number; readonly full: number };
  /** False where `--quick` leaves it out unless it is named. */
  readonly inQuick?: boolean;
  /** False where every run leaves it out unless it is named. */
  readonly inFull?: boolean;
  /** Set up row by row, so that only one row's state is alive at a time. */
  rows(effort: Effort): AsyncIterable<Row> | Iterable<Row>;
}
