import type { DiskFile } from "@ottla/runtime";
import { CachedFile, type FileCache } from "../files/file-cache.ts";

const INITIAL_TAIL_ENTRIES = 16;
/** A binary search narrows down to this many bytes by single reads, and then reads them at once. */
const BLOCK_BYTES = 16 * 1024;

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

  /** @param fileBytes the size of the file; 0 where it does not exist yet */
  constructor(files: FileCache, path: string, entryBytes: number, fileBytes: number) {
    const savedCount = Math.floor(fileBytes / entryBytes);
    this.entryBytes = entryBytes;
    this.file = new CachedFile(files, path, { create: true });
    this.#count = savedCount;
    this.#savedCount = savedCount;
    this.#hasBrokenEnd = fileBytes % entryBytes !== 0;
    this.#tail = new DataView(new ArrayBuffer(0));
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

  /** The entry at `index`, from memory or from the file. */
  async entry(index: number): Promise<DataView> {
    return this.unsaved(index) ?? (await this.file.use((file) => this.#readEntry(file, index)));
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

  /** The last entry for which `isAtOrBefore` holds; null when it holds for none. It must hold for a prefix. */
  async findLast(isAtOrBefore: (entry: DataView) => boolean): Promise<DataView | null> {
    const inMemory = this.#findLastUnsaved(isAtOrBefore);
    if (inMemory !== null || this.#savedCount === 0) return inMemory;
    return await this.file.use((file) => this.#findLastSaved(file, isAtOrBefore));
  }

  /** Keeps the first `count` entries. */
  async truncate(count: number): Promise<void> {
    await this.#saving;
    if (count >= this.#count && !this.#hasBrokenEnd) return;
    this.#count = Math.min(this.#count, count);
    if (count >= this.#savedCount && !this.#hasBrokenEnd) return;
    this.#savedCount = Math.min(this.#savedCount, count);
    this.#unsynced = true;
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

  #findLastUnsaved(isAtOrBefore: (entry: DataView) => boolean): DataView | null {
    let low = this.#savedCount;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAtOrBefore(this.unsaved(middle)!)) low = middle + 1;
      else high = middle;
    }
    return low === this.#savedCount ? null : this.unsaved(low - 1);
  }

  #findLastSaved(file: DiskFile, isAtOrBefore: (entry: DataView) => boolean): DataView | null {
    const entriesPerBlock = Math.floor(BLOCK_BYTES / this.entryBytes);
    let low = 0;
    let high = this.#savedCount;
    while (high - low > entriesPerBlock) {
      const middle = (low + high) >>> 1;
      if (isAtOrBefore(this.#readEntry(file, middle))) low = middle;
      else high = middle;
    }
    const block = new Uint8Array((high - low) * this.entryBytes);
    const count = Math.floor(file.readSync(block, low * this.entryBytes) / this.entryBytes);
    const entryAt = (index: number) => new DataView(block.buffer, index * this.entryBytes, this.entryBytes);
    let [first, end] = [0, count];
    while (first < end) {
      const middle = (first + end) >>> 1;
      if (isAtOrBefore(entryAt(middle))) first = middle + 1;
      else end = middle;
    }
    return first === 0 ? null : entryAt(first - 1);
  }

  #readEntry(file: DiskFile, index: number): DataView {
    const bytes = new Uint8Array(this.entryBytes);
    file.readSync(bytes, index * this.entryBytes);
    return new DataView(bytes.buffer);
  }
}
