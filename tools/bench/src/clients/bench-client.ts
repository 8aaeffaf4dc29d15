/** One Kafka client, doing what a row asks of it. All clients are given the same records and the same settings. */
export interface BenchClient {
  /** Produces `calls` times an array of `recordsPerCall` records, `callsInFlight` of them at a time. */
  produceBatches(task: BatchTask): Promise<void>;
  /** Produces single records, `concurrency` awaited at a time. */
  produceSingles(task: SinglesTask): Promise<void>;
  /** Reads the topic from its beginning, touching keys and values; resolves once `records` were seen. */
  consume(task: ConsumeTask): Promise<ConsumeResult>;
  /** Starts reading the topic's end; `onRecord` gets each value. Resolves when it reads. */
  follow(topic: string, onRecord: (value: Uint8Array | string) => void): Promise<void>;
  /** Produces one record; resolves when it is acknowledged. */
  produceOne(topic: string, value: string): Promise<void>;
  close(): Promise<void>;
}

export interface BatchTask {
  readonly topic: string;
  readonly calls: number;
  readonly recordsPerCall: number;
  readonly callsInFlight: number;
}

export interface SinglesTask {
  readonly topic: string;
  readonly records: number;
  readonly concurrency: number;
}

export interface ConsumeTask {
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
}

/** Joining a group is not reading: the clock starts with the first records. */
export interface ConsumeResult {
  readonly firstAtMs: number;
  /** How many came first: they are not counted. */
  readonly firstCount: number;
  /** When the last record was seen: leaving a group is not reading either. */
  readonly endedMs: number;
}

/** 100 bytes of key and value. Every client sends with acks=all and without compression. */
export const RECORD_VALUE = "v".repeat(92);
export const RECORD_KEY = "key-0001";

/** Runs `task` `count` times, `inFlight` of them at a time. */
export async function inFlight(count: number, limit: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker));
}
