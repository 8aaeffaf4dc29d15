import type { Deserializer } from "@ottla/client";
import {
  baseOffsetAt,
  CorruptRecordError,
  forEachBatch,
  lastOffsetAt,
  type OpenedBatch,
  openRecordBatch,
  partitionLeaderEpochAt,
} from "@ottla/protocol/client";
import type { BatchContent, StoredBatch } from "../batch.ts";
import type { TopicPartition } from "../topic-partition.ts";
import { type AbortedTransaction, AbortedTransactions } from "./aborted-transactions.ts";

/** How fetched bytes become records. */
export interface DecodeOptions<K, V> {
  readonly keyDeserializer: Deserializer<K>;
  readonly valueDeserializer: Deserializer<V>;
  /** Verify the CRC of each batch (`check.crcs`). */
  readonly checkCrcs: boolean;
}

/** What one fetch brought of one partition. */
export interface FetchedData {
  /** Whole record batches; the last one may be cut short. Never reused. */
  readonly bytes: Uint8Array;
  /** The offset that was asked for. The first batch may begin below it. */
  readonly fetchOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** For `read_committed`; otherwise empty. */
  readonly abortedTransactions: readonly AbortedTransaction[];
}

/**
 * Fetched data on its way to the user: raw at first, since checking and decompressing are left until it is nearly
 * needed, then as readable content.
 */
export class FetchedChunk<K, V> {
  readonly sizeBytes: number;
  /** The offset that was asked for. */
  readonly startOffset: number;
  /** The offset after the last whole batch: where the next fetch goes on. */
  readonly nextOffset: number;
  /** Epoch of the leader that took the last whole batch; -1 if there is none, or it is not known. */
  readonly leaderEpoch: number;
  readonly #partition: TopicPartition;
  readonly #data: FetchedData;
  readonly #options: DecodeOptions<K, V>;
  #content: BatchContent<K, V> | Promise<BatchContent<K, V>> | undefined;

  /** @throws CorruptRecordError if the lengths of the batches do not add up */
  constructor(partition: TopicPartition, data: FetchedData, options: DecodeOptions<K, V>) {
    this.#partition = partition;
    this.#data = data;
    this.#options = options;
    this.sizeBytes = data.bytes.length;
    this.startOffset = data.fetchOffset;
    const { offset, leaderEpoch } = endOf(data);
    this.nextOffset = Math.max(data.fetchOffset, offset);
    this.leaderEpoch = leaderEpoch;
  }

  /**
   * The records: checked, decompressed, without control and aborted batches. At once where that is done or no codec
   * takes its time, else as a promise; the work is done once.
   *
   * @throws CorruptRecordError (also as a rejection)
   */
  content(): BatchContent<K, V> | Promise<BatchContent<K, V>> {
    if (this.#content === undefined) {
      const batches = this.#readBatches();
      this.#content = batches.some((batch) => batch instanceof Promise)
        ? Promise.all(batches).then((ready) => this.#finish(ready))
        : this.#finish(batches as OpenedBatch[]);
    }
    return this.#content;
  }

  #readBatches(): (OpenedBatch | Promise<OpenedBatch>)[] {
    const { bytes, fetchOffset } = this.#data;
    const batches: (OpenedBatch | Promise<OpenedBatch>)[] = [];
    forEachBatch(bytes, (position) => {
      if (lastOffsetAt(bytes, position) < fetchOffset) return;
      batches.push(openRecordBatch(bytes, position, this.#options));
    });
    return batches;
  }

  #finish(batches: readonly OpenedBatch[]): BatchContent<K, V> {
    const aborted = new AbortedTransactions(this.#data.abortedTransactions);
    const shown = batches.filter((batch) => !aborted.covers(batch) && !batch.isControlBatch);
    const content: BatchContent<K, V> = {
      stored: shown.map((batch) => this.#store(batch)),
      startOffset: this.#data.fetchOffset,
      endOffset: this.nextOffset,
      leaderEpoch: batches[batches.length - 1]?.partitionLeaderEpoch ?? -1,
      highWatermark: this.#data.highWatermark,
      logStartOffset: this.#data.logStartOffset,
    };
    this.#content = content;
    return content;
  }

  #store(batch: OpenedBatch): StoredBatch<K, V> {
    const { keyDeserializer, valueDeserializer } = this.#options;
    const source = {
      topic: this.#partition.topic,
      partition: this.#partition.partition,
      owner: this.#partition,
      leaderEpoch: batch.partitionLeaderEpoch,
      timestampType: batch.timestampType,
      keyDeserializer,
      valueDeserializer,
    };
    return { batch, source };
  }
}

/**
 * The offset after the last whole batch and its leader epoch; -1 if there is none. A broker may cut the last batch short; what is left of it
 * is fetched again.
 *
 * Base offsets lie outside the checksum of a batch, so they are held against what is known: they rise, and stay below
 * the high watermark.
 *
 * @throws CorruptRecordError
 */
function endOf({ bytes, highWatermark }: FetchedData): { readonly offset: number; readonly leaderEpoch: number } {
  let end = -1;
  let leaderEpoch = -1;
  forEachBatch(bytes, (position) => {
    const baseOffset = baseOffsetAt(bytes, position);
    const lastOffset = lastOffsetAt(bytes, position);
    if (baseOffset < end || lastOffset < baseOffset || lastOffset >= highWatermark) {
      throw new CorruptRecordError(
        `corrupt record batch: offsets ${baseOffset} to ${lastOffset} between ${end} and ${highWatermark}`,
      );
    }
    end = lastOffset + 1;
    leaderEpoch = partitionLeaderEpochAt(bytes, position);
  });
  return { offset: end, leaderEpoch };
}
