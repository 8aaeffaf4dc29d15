import type { Consumer, ConsumerRecord } from "@ottla/consumer";

/** How often is looked whether what is missing are no records: markers of transactions, or what compaction has taken. */
const LOOK_AGAIN_MS = 50;

/** Reads what is assigned up to where the partitions end now, whatever is written meanwhile. */
export async function readTheEnds(consumer: Consumer): Promise<ReadToEnd> {
  const partitions = consumer.assignment();
  const unread: UnreadPartition[] = [];
  for (const { topic, partition, offset: end } of await consumer.endOffsets(partitions)) {
    const position = await consumer.position({ topic, partition });
    if (position < end) unread.push({ topic, partition, position, end });
  }
  return new ReadToEnd(consumer, unread);
}

interface UnreadPartition {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
  readonly end: number;
}

/** What is between where a consumer stands and where its partitions ended. */
export class ReadToEnd {
  readonly #consumer: Consumer;
  /** By name: those that are not read yet. */
  readonly #unread = new Map<string, UnreadPartition>();
  readonly #done = new AbortController();
  /** So many records at most are to come. */
  readonly offsetsLeft: number;

  constructor(consumer: Consumer, unread: readonly UnreadPartition[]) {
    this.#consumer = consumer;
    for (const each of unread) this.#unread.set(nameOf(each), each);
    this.offsetsLeft = unread.reduce((sum, { position, end }) => sum + end - position, 0);
  }

  async *records(): AsyncGenerator<ConsumerRecord> {
    if (this.#unread.size === 0) return;
    const timer = setInterval(() => void this.#look(), LOOK_AGAIN_MS);
    try {
      for await (const record of this.#consumer.records({ signal: this.#done.signal })) {
        const end = this.#unread.get(nameOf(record))?.end ?? 0;
        if (record.offset < end) yield record;
        if (record.offset + 1 >= end) this.#unread.delete(nameOf(record));
        if (this.#unread.size === 0) return;
      }
    } catch (error) {
      if (!this.#done.signal.aborted) throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** A partition may end with what is no record. */
  async #look(): Promise<void> {
    for (const [name, partition] of this.#unread) {
      const position = await this.#consumer.position(partition).catch(() => Number.NaN);
      if (position >= partition.end) this.#unread.delete(name);
    }
    if (this.#unread.size === 0) this.#done.abort();
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`;
}
