import { CachedFile, type FileCache } from "../files/file-cache.ts";
import { INDEX_BLOCK_BYTES, type IndexBlock, IndexFileBlocks } from "./index-blocks.ts";

const INITIAL_TAIL_ENTRIES = 16;

/** Whether something holds for the entry that lies at `position` among others: a view of each would be garbage at once. */
export type EntryCondition = (entries: DataView, position: number) => boolean;

/**
 * A file of fixed-size entries in ascending order. New entries stay in memory until `save`: what a crash loses of
 * them is rebuilt from the log.
 *
 * Invariant: entries [0, savedCount) are in the file, [savedCount, count) in memory.
 */
export class IndexFile {
  readonly entryBytes: number;
  readonly file: CachedFile;
  #count: number;
  #savedCount: number;
  #tail: DataView;
  #hasBrokenEnd: boolean;
  #unsynced = false;
  #saving: Promise<void> = Promise.resolve();
  /** Blocks of entries that are in the file. Invariant: what is kept is what the file has. */
  readonly #blocks: IndexFileBlocks;
  readonly #entriesPerBlock: number;

  /** @param fileBytes the size of the file; 0 where it does not exist yet */
  constructor(files: FileCache, path: string, entryBytes: number, fileBytes: number) {
    const savedCount = Math.floor(fileBytes / entryBytes);
    this.entryBytes = entryBytes;
    this.file = new CachedFile(files, path, { create: true });
    this.#count = savedCount;
    this.#savedCount = savedCount;
    this.#hasBrokenEnd = fileBytes % entryBytes !== 0;
    this.#tail = new DataView(new ArrayBuffer(0));
    this.#blocks = new IndexFileBlocks(files.indexBlocks);
    this.#entriesPerBlock = Math.floor(INDEX_BLOCK_BYTES / entryBytes);
  }

  /** True if the file may have something else behind its entries: it cannot be relied on. */
  get hasBrokenEnd(): boolean {
    return this.#hasBrokenEnd;
  }

  /** True if the file has changed since it was last synced. */
  get isUnsynced(): boolean {
    return this.#unsynced;
  }

  /** What is in the file may have been written by a process that was killed: the next sync is not left out. */
  markUnsynced(): void {
    this.#unsynced = true;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * this.entryBytes;
  }

  /** Makes room for one more entry; the caller fills it in, at {@link lastUnsaved}. */
  push(): DataView {
    const position = (this.#count - this.#savedCount) * this.entryBytes;
    if (position === this.#tail.byteLength) this.#growTail();
    this.#count++;
    return new DataView(this.#tail.buffer, position, this.entryBytes);
  }

  /** The entry at `index` if it is still in memory, else null. */
  unsaved(index: number): DataView | null {
    const position = (index - this.#savedCount) * this.entryBytes;
    return position < 0 ? null : new DataView(this.#tail.buffer, position, this.entryBytes);
  }

  /** The entry at `index`, from memory or from the file. All zeros where a truncation has taken it meanwhile. */
  async entry(index: number): Promise<DataView> {
    const isSaved = index < this.#savedCount;
    if (!isSaved && index < this.#count) return this.unsaved(index)!;
    const number = Math.floor(index / this.#entriesPerBlock);
    const block = isSaved ? (this.#kept(number) ?? (await this.#load(number))) : null;
    const within = index % this.#entriesPerBlock;
    const isThere = block !== null && within < block.count;
    return isThere ? this.#entryOf(block, within) : new DataView(new ArrayBuffer(this.entryBytes));
  }

  /** All entries, in order. */
  async entries(): Promise<DataView[]> {
    const saved = new Uint8Array(this.#savedCount * this.entryBytes);
    if (saved.length > 0) await this.file.use((file) => file.read(saved, 0));
    const entries: DataView[] = [];
    const savedCount = saved.length / this.entryBytes;
    for (let i = 0; i < this.#count; i++) {
      const inMemory = i < savedCount ? new DataView(saved.buffer, i * this.entryBytes, this.entryBytes) : null;
      entries.push(inMemory ?? (await this.entry(i)));
    }
    return entries;
  }

  /** How many entries at the start fulfil a condition that holds for a prefix of them. */
  async countWhile(holds: EntryCondition): Promise<number> {
    const unsaved = this.#savedCount;
    if (unsaved < this.#count && holds(this.#tail, 0)) {
      const holdsInTail = (index: number) => holds(this.#tail, (index - unsaved) * this.entryBytes);
      return partitionPoint(unsaved + 1, this.#count, holdsInTail);
    }
    // The last block whose first entry fulfils it.
    let [low, high] = [0, Math.ceil(unsaved / this.#entriesPerBlock)];
    let last: IndexBlock | null = null;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#kept(middle) ?? (await this.#load(middle));
      if (block.count === 0 || !holds(block.entries, 0)) high = middle;
      else [low, last] = [middle + 1, block];
    }
    if (last === null) return 0;
    const { entries, count } = last;
    const within = partitionPoint(1, count, (index) => holds(entries, index * this.entryBytes));
    return (low - 1) * this.#entriesPerBlock + within;
  }

  /** The last entry for which `isAtOrBefore` holds; null when it holds for none. It must hold for a prefix. */
  async findLast(isAtOrBefore: EntryCondition): Promise<DataView | null> {
    const count = await this.countWhile(isAtOrBefore);
    return count === 0 ? null : await this.entry(count - 1);
  }

  /** Gives back the memory of what was read of the file. */
  forget(): void {
    this.#blocks.clear();
  }

  /** Keeps the first `count` entries. */
  async truncate(count: number): Promise<void> {
    await this.#saving;
    if (count >= this.#count && !this.#hasBrokenEnd) return;
    this.#count = Math.min(this.#count, count);
    if (count >= this.#savedCount && !this.#hasBrokenEnd) return;
    this.#savedCount = Math.min(this.#savedCount, count);
    this.#unsynced = true;
    this.#blocks.clear();
    await this.file.use((file) => file.truncate(this.#savedCount * this.entryBytes));
    this.#hasBrokenEnd = false;
  }

  /** Writes what is in memory to the file, which it creates. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveTail());
    const saving = this.#saving;
    this.#saving = saving.catch(() => {});
    return saving;
  }

  /** Saves, and makes durable what was saved. */
  async sync(): Promise<void> {
    await this.save();
    if (!this.#unsynced) return;
    this.#unsynced = false;
    try {
      await this.file.sync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  /**
   * The same for entries that were made anew: a crash meanwhile leaves a file whose end is broken. By its size alone a
   * write that was torn between two entries could not be told from a whole one.
   */
  async syncAnew(): Promise<void> {
    const { sizeBytes } = this;
    await this.file.use((file) => file.truncate(sizeBytes + 1));
    await this.file.sync();
    await this.sync();
    await this.file.use((file) => file.truncate(sizeBytes));
    await this.file.sync();
  }

  async #saveTail(): Promise<void> {
    const count = this.#count;
    const length = (count - this.#savedCount) * this.entryBytes;
    const bytes = new Uint8Array(this.#tail.buffer, 0, length);
    // A write that fails may leave a part of itself. The next one covers it, unless a truncation comes before.
    this.#hasBrokenEnd ||= length > 0;
    await this.file.use((file) => (length > 0 ? file.write([bytes], this.#savedCount * this.entryBytes) : undefined));
    if (length === 0) return;
    this.#hasBrokenEnd = false;
    this.#unsynced = true;
    this.#tail = new DataView(this.#tail.buffer.slice(length));
    this.#savedCount = count;
  }

  #growTail(): void {
    const sizeBytes = Math.max(INITIAL_TAIL_ENTRIES * this.entryBytes, this.#tail.byteLength * 2);
    const grown = new Uint8Array(sizeBytes);
    grown.set(new Uint8Array(this.#tail.buffer));
    this.#tail = new DataView(grown.buffer);
  }

  /** A block in memory that has all its entries which are in the file. */
  #kept(number: number): IndexBlock | null {
    const block = this.#blocks.get(number);
    return block !== undefined && block.count === this.#savedCountOf(number) ? block : null;
  }

  #load(number: number): Promise<IndexBlock> {
    return this.file.use((file) => {
      const bytes = new Uint8Array(this.#savedCountOf(number) * this.entryBytes);
      const readBytes = file.readSync(bytes, number * this.#entriesPerBlock * this.entryBytes);
      const block = { entries: new DataView(bytes.buffer), count: Math.floor(readBytes / this.entryBytes) };
      if (block.count > 0) this.#blocks.set(number, block);
      return block;
    });
  }

  #savedCountOf(number: number): number {
    const rest = this.#savedCount - number * this.#entriesPerBlock;
    return Math.max(0, Math.min(rest, this.#entriesPerBlock));
  }

  #entryOf({ entries }: IndexBlock, index: number): DataView {
    return new DataView(entries.buffer, index * this.entryBytes, this.entryBytes);
  }
}

/** The first of `[low, high)` for which `holds` does not hold, or `high`. It must hold for a prefix. */
function partitionPoint(low: number, high: number, holds: (index: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
