/** Read at once where an index is looked into; a page, as the system reads them. */
export const INDEX_BLOCK_BYTES = 4096;

/** What is kept of all indexes of a log directory: those of half a gigabyte of log. */
const KEPT_BYTES_MAX = 1024 * 1024;

/** A stretch of an index file, as it was read. */
export interface IndexBlock {
  readonly entries: DataView;
  readonly count: number;
}

/** The blocks that are kept of one index file. */
export class IndexFileBlocks {
  readonly #shared: IndexBlocks;
  readonly #blocks = new Map<number, IndexBlock>();

  constructor(shared: IndexBlocks) {
    this.#shared = shared;
  }

  get(number: number): IndexBlock | undefined {
    const block = this.#blocks.get(number);
    if (block !== undefined) this.#shared.used(block);
    return block;
  }

  set(number: number, block: IndexBlock): void {
    this.#drop(number);
    this.#blocks.set(number, block);
    this.#shared.add(block, () => this.#blocks.delete(number));
  }

  /** Forgets all: the file is cut, or nobody looks into it any more. */
  clear(): void {
    for (const number of [...this.#blocks.keys()]) this.#drop(number);
  }

  #drop(number: number): void {
    const block = this.#blocks.get(number);
    if (block !== undefined) this.#shared.drop(block);
  }
}

interface Kept {
  readonly forget: () => void;
  /** Which use of any block was the last one of this. */
  lastUse: number;
}

/** Keeps the blocks of index files that were looked into last, so that a read of the log need not read its index. */
export class IndexBlocks {
  readonly #kept = new Map<IndexBlock, Kept>();
  #keptBytes = 0;
  #uses = 0;

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** @internal */
  used(block: IndexBlock): void {
    this.#kept.get(block)!.lastUse = ++this.#uses;
  }

  /** @internal */
  add(block: IndexBlock, forget: () => void): void {
    this.#kept.set(block, { forget, lastUse: ++this.#uses });
    this.#keptBytes += block.entries.buffer.byteLength;
    while (this.#keptBytes > KEPT_BYTES_MAX) this.drop(this.#unusedForLongest());
  }

  /** @internal */
  drop(block: IndexBlock): void {
    this.#kept.get(block)!.forget();
    this.#kept.delete(block);
    this.#keptBytes -= block.entries.buffer.byteLength;
  }

  /** Looked for where a block was read: that costs more, and a use happens several times in each lookup. */
  #unusedForLongest(): IndexBlock {
    let [oldest, oldestUse] = [null as IndexBlock | null, Number.POSITIVE_INFINITY];
    for (const [block, { lastUse }] of this.#kept) {
      if (lastUse < oldestUse) [oldest, oldestUse] = [block, lastUse];
    }
    return oldest!;
  }
}
