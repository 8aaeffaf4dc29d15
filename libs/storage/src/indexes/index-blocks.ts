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

/** Keeps the blocks of index files that were looked into last, so that a read of the log need not read its index. */
export class IndexBlocks {
  /** Each with what forgets it, the one unused for longest first. */
  readonly #kept = new Map<IndexBlock, () => void>();
  #keptBytes = 0;

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** @internal */
  used(block: IndexBlock): void {
    const forget = this.#kept.get(block)!;
    this.#kept.delete(block);
    this.#kept.set(block, forget);
  }

  /** @internal */
  add(block: IndexBlock, forget: () => void): void {
    this.#kept.set(block, forget);
    this.#keptBytes += block.entries.buffer.byteLength;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return;
      this.drop(oldest);
    }
  }

  /** @internal */
  drop(block: IndexBlock): void {
    this.#kept.get(block)!();
    this.#kept.delete(block);
    this.#keptBytes -= block.entries.buffer.byteLength;
  }
}
