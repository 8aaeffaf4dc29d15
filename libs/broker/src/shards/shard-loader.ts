import { type RecordBatch, readRecordBatch } from "@ottla/protocol";
import { type EndTransactionMarker, nextBatchPosition, readEndTransactionMarker } from "@ottla/protocol/internal";
import type { Logger, Timers } from "@ottla/runtime";
import type { PartitionLog } from "@ottla/storage";

/** What takes in the contents of a log. */
export interface LogReplay {
  /**
   * A record with a key; `producerId` is -1 outside transactions.
   * @returns why the record makes no sense here and is passed over, or undefined
   */
  record(key: Uint8Array, value: Uint8Array | null, producerId: number): string | undefined;
  /** The marker that ends a producer's transaction. */
  endTransaction(producerId: number, outcome: EndTransactionMarker["type"]): void;
}

export interface ShardLoadOptions {
  readonly log: PartitionLog;
  readonly replay: LogReplay;
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

/** Replays a coordinator's partition, all that is in it. The caller is its leader, so it does not grow. */
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
    if (marker !== null) this.#options.replay.endTransaction(batch.producerId, marker.type);
  }

  #record(key: Uint8Array, value: Uint8Array | null, producerId: number, offset: number): void {
    const problem = this.#options.replay.record(key, value, producerId);
    if (problem !== undefined) this.#passOver(problem, offset);
  }

  /** One line for each reason: a log may hold thousands of such records. */
  #passOver(reason: string, offset: number): void {
    if (this.#passedOver.has(reason)) return;
    this.#passedOver.add(reason);
    const { topic, partition } = this.#options.log;
    this.#options.logger.warn("records of a coordinator that make no sense here are passed over", {
      topic,
      partition,
      offset,
      reason,
    });
  }
}
