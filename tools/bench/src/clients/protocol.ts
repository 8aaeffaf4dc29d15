import type { BatchTask, ConsumeTask, SinglesTask } from "./bench-client.ts";

/** Clients in JavaScript, each run by `client-process.ts`. */
export type ClientKind = "ottla" | "ottla-batches" | "kafkajs" | "platformatic" | "confluent" | "bare";

export interface LatencyTask {
  readonly topic: string;
  readonly records: number;
  /** Single sends, evenly spread; 0: one at a time, the next when the last was acknowledged (produce latency). */
  readonly ratePerSecond: number;
}

export interface FanOutTask {
  readonly topic: string;
  readonly consumers: number;
  /** Each consumer gets so many. */
  readonly records: number;
}

/** Arrays at a steady rate for some time. */
export interface PacedTask {
  readonly topic: string;
  readonly partitions: number;
  readonly recordsPerSecond: number;
  readonly durationMs: number;
  readonly recordBytes: number;
  /** At most so many arrays wait for their acknowledgement: who cannot keep up sends fewer. */
  readonly callsInFlight: number;
}

/** Reads what others write. The process says `following` when it has begun. */
export interface FollowTask {
  readonly topic: string;
  readonly partitions: number;
  /** Ends when nothing has come for so long. */
  readonly quietMs: number;
}

/** What a client process is asked for. */
export type ClientRequest =
  | ({ readonly kind: "produceBatches" } & BatchTask)
  | ({ readonly kind: "produceSingles" } & SinglesTask)
  | ({ readonly kind: "consume" } & ConsumeTask)
  | ({ readonly kind: "fanOut" } & FanOutTask)
  | ({ readonly kind: "latency" } & LatencyTask)
  | ({ readonly kind: "producePaced" } & PacedTask)
  | ({ readonly kind: "followPaced" } & FollowTask);

export interface ClientResponse {
  readonly elapsedMs: number;
  readonly records: number;
  readonly cpuMs: number;
  readonly latenciesMs?: readonly number[];
}
