/**
 * The disk as the log sees it. Real files, memory and a simulated, failing disk all stand behind it.
 *
 * Paths are absolute within the disk and use `/`. Every operation rejects with {@link DiskError}.
 * A write is durable only after `sync` on its file; the name of a file, and a renamed or removed one, only after
 * `syncDirectory` on its directory. An adapter may lose or reorder whatever was not synced.
 */
export interface Disk {
  /** Opens a file. */
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** The whole content of a file. */
  readFile(path: string): Promise<Uint8Array>;
  /** Names directly inside a directory, in no particular order. */
  list(directory: string): Promise<DiskEntry[]>;
  /** What `path` is, or null where nothing is there. */
  stat(path: string): Promise<DiskStat | null>;
  /**
   * Makes a directory and its missing parents, durably: the caller cannot sync above the disk's root. It may exist.
   * With `durable: false` the caller syncs the directory that it is in, which is there already.
   * Resolves to whether it was made just now: nothing is in it then.
   */
  makeDirectory(path: string, options?: { readonly durable: boolean }): Promise<boolean>;
  /** Renames a file or directory, replacing a file at `to`. Atomic: a crash leaves the one or the other. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all it holds. It may be absent already. */
  remove(path: string): Promise<void>;
  /** Makes the names inside a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** How much room there is around `path`. Absent where the disk cannot tell. */
  space?(path: string): Promise<DiskSpace>;
  /** Takes an exclusive lock on a file that ends with the holder, also when the holder is killed. */
  lock(path: string): Promise<DiskLock>;
}

export interface OpenOptions {
  /** Makes the file when it is absent; its directory must exist. */
  readonly create?: boolean;
  /** What it held is gone, as by {@link DiskFile.truncate}. */
  readonly truncate?: boolean;
  /** It needs no right to write. */
  readonly readOnly?: boolean;
}

export interface DiskEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface DiskStat {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
}

export interface DiskSpace {
  readonly totalBytes: number;
  /** What is free for this process. */
  readonly usableBytes: number;
}

export interface WriteOptions {
  /**
   * Whoever writes has nothing to do until it is written. Then it is not worth while to hand it to somebody else, who could
   * write while this thread goes on. False by default.
   */
  readonly isAwaited?: boolean;
}

/** One open file. Calls may overlap, but at most one `write` or `truncate` is in flight at a time (the caller's duty). */
export interface DiskFile {
  readonly path: string;
  /** Reads into `target` from `position`; resolves to the bytes read, fewer than asked only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** The same at once, for reads of a few hundred bytes that are most likely in the page cache. */
  readSync(target: Uint8Array, position: number): number;
  /** Writes all of `chunks` one after another from `position`: one gathered write where the platform has it. */
  write(chunks: readonly Uint8Array[], position: number, options?: WriteOptions): Promise<void>;
  /** Makes the file's content and length durable (fdatasync). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  /** Closes the file once the calls in flight are done. Closing twice is harmless. */
  close(): Promise<void>;
}

export interface DiskLock {
  release(): Promise<void>;
}

/** Why a disk operation failed: the platform's code where it has one. */
export type DiskErrorCode =
  | "NOT_FOUND"
  | "EXISTS"
  | "NO_SPACE"
  | "ACCESS_DENIED"
  | "IO"
  | "TOO_MANY_OPEN_FILES"
  | "CLOSED"
  | "LOCKED";

export class DiskError extends Error {
  readonly code: DiskErrorCode;
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "DiskError";
    this.code = code;
    this.path = path;
  }
}
