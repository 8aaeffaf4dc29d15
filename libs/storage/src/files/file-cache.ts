import type { Disk, DiskFile, OpenOptions } from "@ottla/runtime";
import { IndexBlocks } from "../indexes/index-blocks.ts";
import { AsyncMutex } from "../log/async-mutex.ts";
import { syncFile } from "./sync-file.ts";

/**
 * Keeps the number of open files bounded: files are opened when they are used, and the one unused for longest is
 * closed when there are too many. Files in use are never closed, so the bound may be passed while they are.
 */
export class FileCache {
  readonly disk: Disk;
  /** What is kept of those files that are indexes, whether they are open or not. */
  readonly indexBlocks = new IndexBlocks();
  readonly #capacity: number;
  readonly #making = new AsyncMutex();
  /** Open files that nobody uses, the one unused for longest first. */
  readonly #idle = new Set<CachedFile>();
  #openCount = 0;

  constructor(disk: Disk, capacity: number) {
    this.disk = disk;
    this.#capacity = capacity;
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** @internal Runs what makes a file that nobody waits for: one at a time, as thousands would be in everybody's way. */
  inTurn(make: () => Promise<void>): Promise<void> {
    return this.#making.run(make);
  }

  /** @internal */
  opened(): void {
    this.#openCount++;
    this.#closeIdle();
  }

  /** @internal */
  closed(file: CachedFile): void {
    this.#openCount--;
    this.#idle.delete(file);
  }

  /** @internal */
  becameIdle(file: CachedFile): void {
    this.#idle.add(file);
    this.#closeIdle();
  }

  /** @internal */
  becameUsed(file: CachedFile): void {
    this.#idle.delete(file);
  }

  #closeIdle(): void {
    for (const file of this.#idle) {
      if (this.#openCount <= this.#capacity) return;
      file.closeIdle();
    }
  }
}

/** A file that is opened when it is used. Every `acquire` is answered by one `release`. */
export class CachedFile {
  path: string;
  readonly #cache: FileCache;
  /** How it is opened first: whoever opens it again finds what is there then. */
  #firstOpen: Pick<OpenOptions, "create" | "truncate"> | undefined;
  #file: DiskFile | null = null;
  #opening: Promise<DiskFile> | null = null;
  #closing: Promise<void> = Promise.resolve();
  #users = 0;
  #whenUnused: (() => void) | null = null;

  constructor(cache: FileCache, path: string, firstOpen?: Pick<OpenOptions, "create" | "truncate">) {
    this.#cache = cache;
    this.path = path;
    this.#firstOpen = firstOpen;
  }

  /** The open file: at once where it is open already. */
  acquire(): DiskFile | Promise<DiskFile> {
    this.#users++;
    if (this.#file !== null) {
      if (this.#users === 1) this.#cache.becameUsed(this);
      return this.#file;
    }
    this.#opening ??= this.#open();
    return this.#opening;
  }

  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#whenUnused?.();
    this.#whenUnused = null;
    if (this.#file !== null) this.#cache.becameIdle(this);
  }

  /** Has the file there. */
  async make(): Promise<void> {
    await this.use(() => {});
  }

  /** The same, but nobody waits for it, or needs it open then. It is left out if by then the file is there, or unwanted. */
  makeInTurn(isWanted: () => boolean): void {
    const make = async () => {
      if (this.#firstOpen === undefined || !isWanted()) return;
      await this.make();
      if (this.#users === 0 && this.#file !== null) this.closeIdle();
    };
    this.#cache.inTurn(make).catch(ignore);
  }

  /** Runs `action` with the open file: at once where it is open already. */
  async use<T>(action: (file: DiskFile) => T | Promise<T>): Promise<T> {
    try {
      const file = this.acquire();
      return await action(file instanceof Promise ? await file : file);
    } finally {
      this.release();
    }
  }

  /** Syncs the file; see {@link syncFile}. */
  async sync(): Promise<void> {
    await this.use(syncFile);
  }

  /** Renames the file. It is held open meanwhile, so that whoever uses it now finds it under one name or the other. */
  async rename(to: string): Promise<void> {
    await this.use(async () => {
      await this.#cache.disk.rename(this.path, to);
      this.path = to;
    });
  }

  /** Closes the file once nobody uses it. It may be used again afterwards. */
  async close(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => this.#onUnused(resolve));
    if (this.#file !== null) this.closeIdle();
    await this.#closing;
  }

  /** @internal */
  closeIdle(): void {
    const file = this.#file!;
    this.#file = null;
    this.#cache.closed(this);
    this.#closing = Promise.all([this.#closing, file.close()]).then(ignore, ignore);
  }

  #onUnused(callback: () => void): void {
    const previous = this.#whenUnused;
    this.#whenUnused = () => {
      previous?.();
      callback();
    };
  }

  async #open(): Promise<DiskFile> {
    try {
      const file = await this.#cache.disk.open(this.path, this.#firstOpen);
      this.#firstOpen = undefined;
      this.#file = file;
      this.#cache.opened();
      return file;
    } finally {
      this.#opening = null;
    }
  }
}

function ignore(): void {}
