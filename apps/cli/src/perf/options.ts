import type { ProducerOptions } from "@ottla/producer";
import { type ConnectionOptions, connectionOf } from "../connection.ts";

/** Options that commands which write have in common. */
export interface WriteOptions extends ConnectionOptions {
  readonly numRecords: number;
  readonly recordSize: number;
  readonly acks: "all" | "1" | "0";
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly batchSize: number;
  readonly maxRequestSize: number;
  readonly linger: number;
  readonly json?: boolean;
}

export async function producerOptions(options: WriteOptions): Promise<ProducerOptions> {
  return {
    ...(await connectionOf(options)),
    acks: options.acks === "all" ? "all" : options.acks === "1" ? 1 : 0,
    compression: options.compression,
    batchSize: options.batchSize,
    maxRequestSize: options.maxRequestSize,
    lingerMs: options.linger,
    idempotence: options.acks === "all",
  };
}

/** Letters that no codec makes nothing of, the same in each run; as Kafka's tool writes them. */
export function payloadOf(sizeBytes: number, seed: number): Uint8Array {
  const payload = new Uint8Array(sizeBytes);
  let state = seed;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    payload[at] = 65 + ((state >> 16) % 26);
  }
  return payload;
}

export const MEBIBYTE = 1024 * 1024;
