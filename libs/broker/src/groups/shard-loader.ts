import { decodeGroupRecord, type GroupCoordinatorShard } from "@ottla/coordinator/internal";
import { type RecordBatch, readRecordBatch } from "@ottla/protocol";
import { nextBatchPosition, readEndTransactionMarker } from "@ottla/protocol/internal";
import type { Logger, Timers } from "@ottla/runtime";
import type { PartitionLog } from "@ottla/storage";

export interface ShardLoadOptions {
  readonly log: PartitionLog;
  readonly shard: GroupCoordinatorShard;
  /** Bytes to read at a time: `offsets.load.buffer.size`. */
  readonly bufferBytes: number;
  readonly logger: Logger;
  /** Asked between reads; loading ends at once when it says true. */
  readonly isCancelled: () => boolean;
  /** Lets others have their turn between reads. */
  readonly timers: Timers;
}

/** What loading has read. */
export interface ShardLoad {
  /** The offset after the last record read. */
  readonly endOffset: number;
  readonly records: number;
  readonly sizeBytes: number;
}

/** Replays a partition of `__consumer_offsets`, all that is in it, into a shard. The caller is its leader, so it does not grow. */
export async function loadShard(options: ShardLoadOptions): Promise<ShardLoad> {
  const { log, bufferBytes, isCancelled, timers } = options;
  const replay = new Replay(options);
  const readOptions = { maxBytes: bufferBytes, minOneBatch: true, limit: "logEnd" } as const;
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset && !isCancelled()) {
    const read = await log.read(offset, readOptions);
    try {
      for (const chunk of read.chunks) offset = await replay.chunk(chunk, offset);
    } finally {
      read.release();
    }
    await new Promise<void>((resolve) => timers.defer(resolve));
  }
  return { endOffset: offset, records: replay.records, sizeBytes: replay.sizeBytes };
}

class Replay {
  readonly #options: ShardLoadOptions;
  readonly #passedOver = new Set<string>();
  records = 0;
  sizeBytes = 0;

  constructor(options: ShardLoadOptions) {
    this.#options = options;
  }

  /** @returns the offset after the last batch of the chunk */
  async chunk(bytes: Uint8Array, offset: number): Promise<number> {
    let nextOffset = offset;
    for (let position = 0; position < bytes.length; position = nextBatchPosition(bytes, position)) {
      const read = readRecordBatch(bytes, position);
      const batch = read instanceof Promise ? await read : read;
      this.#batch(batch);
      nextOffset = batch.lastOffset + 1;
    }
    this.sizeBytes += bytes.length;
    return nextOffset;
  }

  #batch(batch: RecordBatch): void {
    const producerId = batch.isTransactional ? batch.producerId : -1;
    for (const record of batch) {
      this.records++;
      if (batch.isControlBatch) this.#control(batch, record.key, record.value);
      else if (record.key !== null) this.#record(record.key, record.value, producerId, record.offset);
    }
  }

  #control(batch: RecordBatch, key: Uint8Array | null, value: Uint8Array | null): void {
    const marker = readEndTransactionMarker(key, value);
    if (marker !== null) this.#options.shard.replayEndTransaction(batch.producerId, marker.type);
  }

  #record(key: Uint8Array, value: Uint8Array | null, producerId: number, offset: number): void {
    const record = decodeGroupRecord(key, value);
    if (record.type === "unknown") this.#passOver(record.reason, offset);
    else this.#options.shard.replay(record, producerId);
  }

  /** One line for each reason: a log may hold thousands of such records. */
  #passOver(reason: string, offset: number): void {
    if (this.#passedOver.has(reason)) return;
    this.#passedOver.add(reason);
    const { topic, partition } = this.#options.log;
    this.#options.logger.warn("records of groups that make no sense here are passed over", {
      topic,
      partition,
      offset,
      reason,
    });
  }
}
