import { closeSync, constants, promises as fs, fsync, mkdir, open as openDescriptor } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  type Disk,
  type DiskEntry,
  DiskError,
  type DiskFile,
  type DiskLock,
  type DiskSpace,
  type DiskStat,
  type OpenOptions,
} from "../disk.ts";
import { lockFile } from "./file-lock.ts";
import { errnoOf, toDiskError } from "./node-errors.ts";
import { NodeFile } from "./node-file.ts";
import { WritePace } from "./write-pace.ts";

/**
 * The real file system below `rootDirectory`, which is `/` to the disk's users.
 *
 * The root must exist or be creatable; `makeDirectory("/")` creates it. `sync` is fdatasync, which also makes a
 * changed file size durable; `syncDirectory` does nothing on Windows, which cannot sync directories.
 */
export function createNodeDisk(rootDirectory: string): Disk {
  return new NodeDisk(resolve(rootDirectory));
}

class NodeDisk implements Disk {
  readonly #root: string;
  readonly #pace = new WritePace();

  constructor(root: string) {
    this.#root = root;
  }

  async open(path: string, { create, truncate, readOnly }: OpenOptions = {}): Promise<DiskFile> {
    const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    const flags = access | (create ? constants.O_CREAT : 0) | (truncate ? constants.O_TRUNC : 0);
    const fd = await this.#mapErrors(path, openFile(this.#resolve(path), flags));
    return new NodeFile(path, fd, this.#pace);
  }

  async readFile(path: string): Promise<Uint8Array> {
    return await this.#mapErrors(path, fs.readFile(this.#resolve(path)));
  }

  async list(directory: string): Promise<DiskEntry[]> {
    const entries = await this.#mapErrors(directory, fs.readdir(this.#resolve(directory), { withFileTypes: true }));
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  }

  async stat(path: string): Promise<DiskStat | null> {
    try {
      const stats = await fs.stat(this.#resolve(path));
      return { sizeBytes: stats.size, isDirectory: stats.isDirectory(), modifiedMs: stats.mtimeMs };
    } catch (error) {
      const mapped = toDiskError(error, path);
      if (mapped.code === "NOT_FOUND") return null;
      throw mapped;
    }
  }

  async makeDirectory(path: string, options?: { readonly durable: boolean }): Promise<boolean> {
    const make = options?.durable === false ? makeDirectory : makeDirectoryDurably;
    return (await this.#mapErrors(path, make(this.#resolve(path)))) !== undefined;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#mapErrors(from, fs.rename(this.#resolve(from), this.#resolve(to)));
  }

  async remove(path: string): Promise<void> {
    await this.#mapErrors(path, fs.rm(this.#resolve(path), { recursive: true, force: true }));
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === "win32") return;
    await this.#mapErrors(path, syncDirectory(this.#resolve(path)));
  }

  async space(path: string): Promise<DiskSpace> {
    const { bsize, blocks, bavail } = await this.#mapErrors(path, fs.statfs(this.#resolve(path)));
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
  }

  async lock(path: string): Promise<DiskLock> {
    return await this.#mapErrors(path, lockFile(this.#resolve(path)));
  }

  #resolve(path: string): string {
    if (!path.startsWith("/") || path.split("/").includes("..")) {
      throw new DiskError("NOT_FOUND", path, `not an absolute path within the disk: ${path}`);
    }
    return join(this.#root, path);
  }

  async #mapErrors<T>(path: string, operation: Promise<T>): Promise<T> {
    try {
      return await operation;
    } catch (error) {
      throw toDiskError(error, path);
    }
  }
}

/**
 * Makes a directory and those above it that are missing. Not `recursive` of Node.js, which tries for ever where the one
 * above is there and takes no names (`/proc`).
 * @returns the topmost that was made; undefined where all were there
 */
async function makeDirectory(path: string): Promise<string | undefined> {
  const failure = await tryToMake(path);
  if (failure === null) return path;
  if (errnoOf(failure) !== "ENOENT" || dirname(path) === path) return await requireDirectory(path, failure);
  const made = await makeDirectory(dirname(path));
  const again = await tryToMake(path);
  if (again !== null) await requireDirectory(path, again);
  return made ?? (again === null ? path : undefined);
}

function tryToMake(path: string): Promise<unknown> {
  return new Promise((resolve) => mkdir(path, (error) => resolve(error)));
}

/** What could not be made because it is there already is no failure. */
async function requireDirectory(path: string, failure: unknown): Promise<undefined> {
  const stats = await fs.stat(path).catch(() => null);
  if (!stats?.isDirectory()) throw failure;
}

/** The first of the directories that had to be made, and those below it, are each a new name in the one above. */
async function makeDirectoryDurably(path: string): Promise<string | undefined> {
  const first = await makeDirectory(path);
  if (first === undefined || process.platform === "win32") return first;
  const top = dirname(resolve(first));
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === top || parent === dirname(parent)) return first;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const fd = await openFile(path, constants.O_RDONLY);
  try {
    await new Promise<void>((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
  } catch (error) {
    // Some network and FUSE file systems have no sync for directories: their names are as durable as they get.
    if (errnoOf(error) !== "EINVAL" && errnoOf(error) !== "ENOTSUP") throw error;
  } finally {
    // Nothing waits for the disk when a directory is closed.
    closeSync(fd);
  }
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    openDescriptor(path, flags, 0o644, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
