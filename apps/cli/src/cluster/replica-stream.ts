import type { ClusterClient } from "@ottla/client/internal";
import { crc32c, type RecordView, readRecordBatch } from "@ottla/protocol";
import { type ReplicaBatch, type ReplicaTarget, readReplica } from "./replica-reader.ts";

/** What is compared: a batch, or in a compacted log, where batches are rewritten on each broker apart, a record. */
export interface ReplicaItem {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The same where the content is the same. */
  readonly digest: string;
}

/** A replica whose bytes are not what their CRC says. */
export class DamagedReplica extends Error {}

/** A replica that has not caught up in time. */
export class ReplicaBehind extends Error {}

export interface ReplicaStreamOptions {
  readonly client: ClusterClient;
  readonly target: ReplicaTarget;
  readonly fromOffset: number;
  /** Where the comparison ends. */
  readonly endOffset: number;
  readonly isCompacted: boolean;
  /** By when, in the time of `performance.now()`, the replica must have come so far. */
  readonly deadlineMs: number;
  readonly onBytes: (sizeBytes: number) => void;
}

/** The content of one replica, item after item. Never more than one answer of its broker is in memory. */
export async function* replicaItems(options: ReplicaStreamOptions): AsyncGenerator<ReplicaItem, void> {
  const { client, target, fromOffset, endOffset, isCompacted } = options;
  let offset = fromOffset;
  while (offset < endOffset) {
    const { batches, highWatermark } = await readReplica(client, target, offset);
    for (const batch of batches) {
      if (batch.damage !== null) throw new DamagedReplica(`${batch.damage} at offset ${batch.baseOffset}`);
      options.onBytes(batch.sizeBytes);
      for (const item of isCompacted ? await recordsOf(batch) : [batchItem(batch)]) {
        if (item.lastOffset >= fromOffset && item.firstOffset < endOffset) yield item;
      }
      offset = batch.lastOffset + 1;
    }
    if (batches.length > 0) continue;
    // Compaction may leave nothing of the end of a log.
    if (isCompacted && highWatermark >= endOffset) return;
    if (performance.now() > options.deadlineMs) {
      throw new ReplicaBehind(`it has come to offset ${offset} of ${endOffset}`);
    }
  }
}

function batchItem({ baseOffset, lastOffset, crc }: ReplicaBatch): ReplicaItem {
  return { firstOffset: baseOffset, lastOffset, digest: `0x${crc.toString(16).padStart(8, "0")}` };
}

async function recordsOf({ bytes, position }: ReplicaBatch): Promise<ReplicaItem[]> {
  const batch = await readRecordBatch(bytes, position, { checkCrcs: false });
  return [...batch].map((record) => {
    return { firstOffset: record.offset, lastOffset: record.offset, digest: digestOf(record) };
  });
}

function digestOf({ timestampMs, key, value, headers }: RecordView): string {
  const parts = [key, value, ...headers.flat()];
  return [timestampMs, ...parts.map((part) => (part === null ? "-" : crcOf(part)))].join(":");
}

const encoder = new TextEncoder();

function crcOf(part: Uint8Array | string): string {
  return crc32c(typeof part === "string" ? encoder.encode(part) : part).toString(16);
}
