import type { CompressionType } from "@ottla/protocol";

/** One Kafka client, doing what a row asks of it. All clients are given the same records and the same settings. */
export interface BenchClient {
  /** Produces `calls` times an array of `recordsPerCall` records, `callsInFlight` of them at a time. */
  produceBatches(task: BatchTask): Promise<void>;
  /** Produces single records, `concurrency` awaited at a time: see {@link inWaves}. */
  produceSingles(task: SinglesTask): Promise<number[]>;
  /** Reads the topic from its beginning, touching keys and values; resolves once `records` were seen. */
  consume(task: ConsumeTask): Promise<ConsumeResult>;
  /** Starts reading the topic's end; `onRecord` gets each value. Resolves when it reads, with what ends the reading. */
  follow(topic: string, onRecord: (value: Uint8Array | string) => void): Promise<() => Promise<void>>;
  /** Produces one record; resolves when it is acknowledged. */
  produceOne(topic: string, value: string): Promise<void>;
  close(): Promise<void>;
}

export interface BatchTask {
  /** Records go to these in turn. */
  readonly topics: readonly string[];
  readonly calls: number;
  readonly recordsPerCall: number;
  readonly callsInFlight: number;
  /** Key and value of each record. */
  readonly recordBytes: number;
  /** Producers with connections of their own that share the calls; one where it is absent. Our client alone heeds it. */
  readonly connections?: number;
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
  readonly recordBytes: number;
}

export interface ConsumeResult {
  /** When the client began to fetch: connecting and joining a group are not reading. */
  readonly startedMs: number;
  /** When the last record was seen: leaving a group is not reading either. */
  readonly endedMs: number;
}

/** What a client is created with. */
export interface ClientSettings {
  readonly acks: 0 | 1 | "all";
  readonly compression: CompressionType;
}

export const DEFAULT_SETTINGS: ClientSettings = { acks: "all", compression: "none" };

export const RECORD_KEY = "key-0001";

const DISTINCT_VALUES = 1_000;

/**
 * Values that make records of that size with {@link RECORD_KEY}: small JSON documents, about as compressible as such
 * things are, the same in every run.
 * @param wanted how many are of use; making a thousand large ones takes longer than to send some of them
 */
export function recordValues(recordBytes: number, wanted = DISTINCT_VALUES): string[] {
  let random = 12345;
  const next = (below: number) => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    return (random >>> 8) % below;
  };
  const document = (id: number) =>
    `{"id":${id},"user":"user-${next(10_000)}","amount":${next(1_000_000) / 100},"currency":"EUR","note":"${next(1e9).toString(36)}"}`;
  const sizeBytes = recordBytes - RECORD_KEY.length;
  return Array.from({ length: Math.min(wanted, DISTINCT_VALUES) }, (_, id) => {
    let value = document(id);
    while (value.length < sizeBytes) value += document(id);
    return value.slice(0, sizeBytes);
  });
}

/** Of single sends. */
export const RECORD_VALUE = recordValues(100)[0]!;

/**
 * Sends so many at once, and again when all of them are acknowledged. How long each such wave took, in ms: none of its
 * sends took longer, and most took as long.
 */
export async function inWaves({ records, concurrency }: SinglesTask, send: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let sent = 0; sent < records; sent += concurrency) {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: Math.min(concurrency, records - sent) }, send));
    taken.push(performance.now() - startedMs);
  }
  return taken;
}

/** Runs `task` `count` times, `inFlight` of them at a time. */
export async function inFlight(count: number, limit: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker));
}
