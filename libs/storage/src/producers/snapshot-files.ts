import type { Disk, Logger } from "@ottla/runtime";
import { readFileIfPresent, replaceFile } from "../files/atomic-file.ts";
import { joinPath, offsetFileName, PRODUCER_SNAPSHOT_SUFFIX } from "../files/names.ts";
import type { ProducerEntry } from "./producer-entry.ts";
import { CorruptSnapshot, decodeProducerSnapshot } from "./producer-snapshot.ts";

/** What a snapshot file says: the state of all producers before the record at `offset`. */
export interface LoadedSnapshot {
  readonly offset: number;
  readonly entries: readonly ProducerEntry[];
}

/** The `.snapshot` files of a log: one where each segment begins, and the newest. */
export class SnapshotFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  /** Ascending. */
  #offsets: number[];

  constructor(disk: Disk, directory: string, logger: Logger, offsets: readonly number[]) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logger = logger;
    this.#offsets = [...offsets].sort((a, b) => a - b);
  }

  /** The offset of the newest snapshot, or -1. */
  get latestOffset(): number {
    return this.#offsets.at(-1) ?? -1;
  }

  /** Writes a snapshot. One that is to be durable is so once the directory is synced; a crash before leaves none of it. */
  async write(offset: number, content: Uint8Array, options: { readonly durable: boolean }): Promise<void> {
    if (options.durable) await replaceFile(this.#disk, this.#path(offset), content);
    else await this.#writeInPlace(offset, content);
    if (!this.#offsets.includes(offset)) this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b);
  }

  /** The newest usable snapshot at or below `offset`. Corrupt ones are removed. */
  async loadLatest(offset: number, loadedMs: number): Promise<LoadedSnapshot | null> {
    for (const candidate of this.#offsets.filter((candidate) => candidate <= offset).reverse()) {
      const content = await readFileIfPresent(this.#disk, this.#path(candidate));
      try {
        if (content !== null) return { offset: candidate, entries: decodeProducerSnapshot(content, loadedMs) };
      } catch (error) {
        if (!(error instanceof CorruptSnapshot)) throw error;
        this.#logger.warn("a producer snapshot is corrupt and is removed", { offset: candidate, error: error.message });
      }
      await this.#remove(candidate);
    }
    return null;
  }

  /** Removes the snapshots for which `isUnwanted` holds. */
  async removeWhere(isUnwanted: (offset: number) => boolean): Promise<void> {
    for (const offset of this.#offsets.filter(isUnwanted)) await this.#remove(offset);
  }

  async #writeInPlace(offset: number, content: Uint8Array): Promise<void> {
    const file = await this.#disk.open(this.#path(offset), { create: true });
    try {
      await file.write([content], 0);
      await file.truncate(content.length);
    } finally {
      await file.close();
    }
  }

  async #remove(offset: number): Promise<void> {
    this.#offsets = this.#offsets.filter((other) => other !== offset);
    await this.#disk.remove(this.#path(offset));
  }

  #path(offset: number): string {
    return joinPath(this.#directory, offsetFileName(offset, PRODUCER_SNAPSHOT_SUFFIX));
  }
}
