import type { OpenedBatch } from "@ottla/protocol/client";
import type { RecordCursor } from "@ottla/protocol/internal";
import { ConsumerRecord, type RecordSource } from "./record.ts";
import type { TopicPartition } from "./topic-partition.ts";

/** A stored batch whose records are to be shown. @internal */
export interface StoredBatch<K, V> {
  readonly batch: OpenedBatch;
  readonly source: RecordSource<K, V>;
}

/** What a batch is made of. @internal */
export interface BatchContent<K, V> {
  /** Stored batches in offset order, without control and aborted ones. */
  readonly stored: readonly StoredBatch<K, V>[];
  /** Records below this offset are not part of it. */
  readonly startOffset: number;
  /** Nor are those from this offset on: where to go on from. */
  readonly endOffset: number;
  /** Epoch of the leader that took the last record. */
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

/**
 * Records of one partition, in order, as one fetch brought them. Iterating makes one small object for each record;
 * keys, values and headers are read when they are asked for.
 */
export class ConsumerBatch<K = string | null, V = string | null> implements Iterable<ConsumerRecord<K, V>> {
  /** The topic of its records. */
  readonly topic: string;
  /** The partition of its records. */
  readonly partition: number;
  /** The offset after the batch: what is committed for it. Offsets may have gaps (compaction, transactions). */
  readonly nextOffset: number;
  /** Epoch of the leader that took the last record; -1 if not known. */
  readonly leaderEpoch: number;
  /** The partition's high watermark when the batch was fetched: readers get what lies below it. */
  readonly highWatermark: number;
  /** The first offset that the partition still held; -1 if the broker does not tell. */
  readonly logStartOffset: number;
  private readonly content: BatchContent<K, V>;
  /** Stands for the time in which the partition is assigned to the consumer without a break. @internal */
  readonly owner: object;

  /** @internal */
  constructor(owner: TopicPartition, content: BatchContent<K, V>) {
    this.topic = owner.topic;
    this.partition = owner.partition;
    this.owner = owner;
    this.nextOffset = content.endOffset;
    this.leaderEpoch = content.leaderEpoch;
    this.highWatermark = content.highWatermark;
    this.logStartOffset = content.logStartOffset;
    this.content = content;
  }

  /** How many offsets lay between this batch and the end of the partition when it was fetched. */
  get lag(): number {
    return Math.max(0, this.highWatermark - this.nextOffset);
  }

  /** How many records the batch has. Walks over them where it does not begin or end with a stored batch. */
  get size(): number {
    let size = 0;
    for (const { batch } of this.content.stored) size += recordsWithin(batch, this.content);
    return size;
  }

  /** The records in offset order. @throws CorruptRecordError when it comes to one that is none */
  [Symbol.iterator](): IterableIterator<ConsumerRecord<K, V>> {
    return new RecordWalk(this.content);
  }
}

function recordsWithin(batch: OpenedBatch, { startOffset, endOffset }: BatchContent<unknown, unknown>): number {
  if (batch.baseOffset >= startOffset && batch.lastOffset < endOffset) return batch.recordsCount;
  const cursor = batch.cursor();
  let count = 0;
  while (cursor.next()) if (cursor.offset >= startOffset && cursor.offset < endOffset) count++;
  return count;
}

/** The part of `content` from `startOffset` on, with at most `maxRecords` records. @internal */
export function sliceContent<K, V>(
  content: BatchContent<K, V>,
  startOffset: number,
  maxRecords: number,
): BatchContent<K, V> {
  const rest = { ...content, startOffset };
  if (maxRecords === Number.POSITIVE_INFINITY) return rest;
  const walk = new RecordWalk(rest);
  for (let count = 0; count < maxRecords; count++) if (walk.take() === undefined) return rest;
  const following = walk.take();
  return following === undefined ? rest : { ...rest, endOffset: following.offset };
}

/**
 * Walks the records of several stored batches. Written by hand, since a generator costs more than the record does.
 * @internal
 */
export class RecordWalk<K, V> implements IterableIterator<ConsumerRecord<K, V>> {
  private readonly content: BatchContent<K, V>;
  private index = -1;
  private cursor: RecordCursor | undefined = undefined;
  private source: RecordSource<K, V> | undefined = undefined;

  constructor(content: BatchContent<K, V>) {
    this.content = content;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<ConsumerRecord<K, V>> {
    const value = this.take();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /** The next record, or undefined after the last one. */
  take(): ConsumerRecord<K, V> | undefined {
    const { startOffset, endOffset } = this.content;
    for (;;) {
      const { cursor } = this;
      if (cursor?.next()) {
        if (cursor.offset >= endOffset) return undefined;
        if (cursor.offset >= startOffset) return new ConsumerRecord(this.source!, cursor);
      } else if (!this.openNext()) return undefined;
    }
  }

  private openNext(): boolean {
    const stored = this.content.stored[this.index + 1];
    if (stored === undefined) return false;
    this.index++;
    this.cursor = stored.batch.cursor();
    this.source = stored.source;
    return true;
  }
}
