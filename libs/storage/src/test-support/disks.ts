import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createMemoryDisk,
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type OpenOptions,
} from "@ottla/runtime";
import { createNodeDisk } from "@ottla/runtime/node";
import { joinPath } from "../files/names.ts";

const temporaryDirectories: string[] = [];

/** A disk of real files in a directory of its own; {@link removeTemporaryDirectories} removes it. */
export function temporaryNodeDisk(): Disk {
  const directory = mkdtempSync(join(tmpdir(), "ottla-storage-"));
  temporaryDirectories.push(directory);
  return createNodeDisk(directory);
}

export function removeTemporaryDirectories(): void {
  for (const directory of temporaryDirectories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** Both disks that a broker runs on. */
export const bothDisks: [string, () => Disk][] = [
  ["memory", () => createMemoryDisk()],
  ["node", temporaryNodeDisk],
];

/** What a disk holds at this moment, as a killed process would leave it: the copy knows nothing of open files. */
export async function copyDisk(disk: Disk, to: Disk = createMemoryDisk(), directory = "/"): Promise<Disk> {
  await to.makeDirectory(directory);
  for (const entry of await disk.list(directory)) {
    const path = joinPath(directory, entry.name);
    if (entry.isDirectory) await copyDisk(disk, to, path);
    else if (!entry.name.startsWith(".lock")) await writeFile(to, path, await disk.readFile(path));
  }
  return to;
}

export async function writeFile(disk: Disk, path: string, content: Uint8Array | string): Promise<void> {
  const file = await disk.open(path, { create: true });
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await file.truncate(0);
  await file.write([bytes], 0);
  await file.close();
}

export async function readText(disk: Disk, path: string): Promise<string> {
  return new TextDecoder().decode(await disk.readFile(path));
}

export async function fileNames(disk: Disk, directory: string): Promise<string[]> {
  return (await disk.list(directory)).map((entry) => entry.name).sort();
}

export type Operation = "open" | "read" | "write" | "sync" | "truncate" | "rename" | "remove" | "syncDirectory";

/** Decides which operations fail: the error's code, or null to let the operation happen. */
export type Fault = (operation: Operation, path: string) => DiskErrorCode | null;

/** A disk that fails on demand, and counts what was asked of it. */
export class FaultyDisk implements Disk {
  fault: Fault = () => null;
  /** Set: a write that fails leaves this many of its bytes in the file. */
  tornBytes = 0;
  readonly counts: Record<Operation, number> = {
    open: 0,
    read: 0,
    write: 0,
    sync: 0,
    truncate: 0,
    rename: 0,
    remove: 0,
    syncDirectory: 0,
  };
  readonly #disk: Disk;

  constructor(disk: Disk = createMemoryDisk()) {
    this.#disk = disk;
  }

  async open(path: string, options?: OpenOptions): Promise<DiskFile> {
    this.check("open", path);
    return new FaultyFile(this, await this.#disk.open(path, options));
  }

  readFile(path: string) {
    return this.#disk.readFile(path);
  }

  list(directory: string) {
    return this.#disk.list(directory);
  }

  stat(path: string) {
    return this.#disk.stat(path);
  }

  makeDirectory(path: string, options?: { readonly durable: boolean }) {
    return this.#disk.makeDirectory(path, options);
  }

  async rename(from: string, to: string) {
    this.check("rename", from);
    await this.#disk.rename(from, to);
  }

  async remove(path: string) {
    this.check("remove", path);
    await this.#disk.remove(path);
  }

  async syncDirectory(path: string) {
    this.check("syncDirectory", path);
    await this.#disk.syncDirectory(path);
  }

  lock(path: string) {
    return this.#disk.lock(path);
  }

  check(operation: Operation, path: string): void {
    this.counts[operation]++;
    const code = this.fault(operation, path);
    if (code !== null) throw new DiskError(code, path, `${operation} of ${path} fails on purpose`);
  }
}

class FaultyFile implements DiskFile {
  readonly #disk: FaultyDisk;
  readonly #file: DiskFile;

  constructor(disk: FaultyDisk, file: DiskFile) {
    this.#disk = disk;
    this.#file = file;
  }

  get path(): string {
    return this.#file.path;
  }

  async read(target: Uint8Array, position: number) {
    this.#disk.check("read", this.path);
    return await this.#file.read(target, position);
  }

  readSync(target: Uint8Array, position: number) {
    this.#disk.check("read", this.path);
    return this.#file.readSync(target, position);
  }

  async write(chunks: readonly Uint8Array[], position: number) {
    try {
      this.#disk.check("write", this.path);
    } catch (error) {
      if (this.#disk.tornBytes > 0) await this.#file.write([chunks[0]!.subarray(0, this.#disk.tornBytes)], position);
      throw error;
    }
    await this.#file.write(chunks, position);
  }

  async sync() {
    this.#disk.check("sync", this.path);
    await this.#file.sync();
  }

  async truncate(sizeBytes: number) {
    this.#disk.check("truncate", this.path);
    await this.#file.truncate(sizeBytes);
  }

  sizeBytes() {
    return this.#file.sizeBytes();
  }

  close() {
    return this.#file.close();
  }
}
