import { type Clock, systemClock } from "./clock.ts";
import {
  type Disk,
  type DiskEntry,
  DiskError,
  type DiskFile,
  type DiskLock,
  type DiskStat,
  type OpenOptions,
} from "./disk.ts";
import { nameOf, notFound, parentOf, segmentsOf } from "./disk-paths.ts";
import { MemoryBudget, MemoryContent } from "./memory-file.ts";

export interface MemoryDiskOptions {
  /** Writes past this many bytes fail with NO_SPACE. Default: no limit. */
  readonly capacityBytes?: number;
  /** Gives files their modification times. Default: the system's clock. */
  readonly clock?: Clock;
}

/** A disk whose files live in this process and are gone with it. */
export interface MemoryDisk extends Disk {
  /** Memory held by the content of all files, open ones that were removed included. */
  readonly usedBytes: number;
}

/** A file apart from its name: it outlives its removal for as long as somebody has it open. */
interface FileNode {
  readonly kind: "file";
  readonly content: MemoryContent;
  modifiedMs: number;
  openHandles: number;
  isLinked: boolean;
}

interface DirectoryNode {
  readonly kind: "directory";
  readonly entries: Map<string, FileNode | DirectoryNode>;
  readonly modifiedMs: number;
}

type Node = FileNode | DirectoryNode;

/** A disk in memory: what `ottla broker --memory` runs on, under the same log as a disk of files. */
export function createMemoryDisk(options: MemoryDiskOptions = {}): MemoryDisk {
  return new InMemoryDisk(options);
}

class InMemoryDisk implements MemoryDisk {
  readonly #budget: MemoryBudget;
  readonly #clock: Clock;
  readonly #root: DirectoryNode;
  readonly #locks = new Set<string>();

  constructor(options: MemoryDiskOptions) {
    this.#budget = new MemoryBudget(options.capacityBytes ?? Number.POSITIVE_INFINITY);
    this.#clock = options.clock ?? systemClock;
    this.#root = this.#newDirectory();
  }

  get usedBytes(): number {
    return this.#budget.usedBytes;
  }

  async open(path: string, options?: OpenOptions): Promise<DiskFile> {
    const parent = this.#directory(parentOf(path));
    let node = parent.entries.get(nameOf(path));
    if (node === undefined && options?.create) {
      node = this.#newFile();
      parent.entries.set(nameOf(path), node);
    }
    const file = new MemoryFile(path, asFile(node, path), this.#clock);
    if (options?.truncate) await file.truncate(0);
    return file;
  }

  async readFile(path: string): Promise<Uint8Array> {
    const { content } = asFile(this.#find(path), path);
    const bytes = new Uint8Array(content.sizeBytes);
    content.read(bytes, 0);
    return bytes;
  }

  async list(directory: string): Promise<DiskEntry[]> {
    const entries: DiskEntry[] = [];
    for (const [name, node] of this.#directory(directory).entries) {
      entries.push({ name, isDirectory: node.kind === "directory" });
    }
    return entries;
  }

  async stat(path: string): Promise<DiskStat | null> {
    const node = this.#find(path);
    if (node === undefined) return null;
    const isDirectory = node.kind === "directory";
    return { isDirectory, modifiedMs: node.modifiedMs, sizeBytes: isDirectory ? 0 : node.content.sizeBytes };
  }

  async makeDirectory(path: string): Promise<boolean> {
    let at = this.#root;
    let isNew = false;
    for (const name of segmentsOf(path)) {
      isNew = !at.entries.has(name);
      const next = at.entries.get(name) ?? this.#newDirectory();
      if (next.kind === "file") throw new DiskError("EXISTS", path, `a file is in the way of the directory ${path}`);
      at.entries.set(name, next);
      at = next;
    }
    return isNew;
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#directory(parentOf(from)).entries;
    const node = source.get(nameOf(from));
    if (node === undefined) throw notFound(from);
    const target = this.#directory(parentOf(to)).entries;
    const replaced = target.get(nameOf(to));
    if (replaced === node) return;
    if (replaced !== undefined) this.#checkReplaceable(node, replaced, to);
    source.delete(nameOf(from));
    target.set(nameOf(to), node);
    if (replaced !== undefined) unlink(replaced);
  }

  async remove(path: string): Promise<void> {
    const parent = this.#find(parentOf(path));
    if (parent?.kind !== "directory") return;
    const node = parent.entries.get(nameOf(path));
    if (node === undefined) return;
    parent.entries.delete(nameOf(path));
    unlink(node);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#directory(path);
  }

  async lock(path: string): Promise<DiskLock> {
    this.#directory(parentOf(path));
    if (this.#locks.has(path))
      throw new DiskError("LOCKED", path, `${path} is locked by another holder in this process`);
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  #checkReplaceable(node: Node, replaced: Node, path: string): void {
    if (replaced.kind !== node.kind) throw new DiskError("IO", path, `${path} is a ${replaced.kind}`);
    if (replaced.kind === "directory" && replaced.entries.size > 0) {
      throw new DiskError("EXISTS", path, `the directory ${path} is not empty`);
    }
  }

  #find(path: string): Node | undefined {
    let at: Node | undefined = this.#root;
    for (const name of segmentsOf(path)) at = at?.kind === "directory" ? at.entries.get(name) : undefined;
    return at;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node?.kind !== "directory") throw notFound(path);
    return node;
  }

  #newDirectory(): DirectoryNode {
    return { kind: "directory", entries: new Map(), modifiedMs: this.#clock.nowMs() };
  }

  #newFile(): FileNode {
    const content = new MemoryContent(this.#budget);
    return { kind: "file", content, modifiedMs: this.#clock.nowMs(), openHandles: 0, isLinked: true };
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #clock: Clock;
  #node: FileNode | null;

  constructor(path: string, node: FileNode, clock: Clock) {
    this.path = path;
    this.#node = node;
    this.#clock = clock;
    node.openHandles++;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return this.readSync(target, position);
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#opened().content.read(target, position);
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const node = this.#opened();
    for (const chunk of chunks) {
      node.content.write(chunk, position, this.path);
      position += chunk.length;
    }
    node.modifiedMs = this.#clock.nowMs();
  }

  async sync(): Promise<void> {
    this.#opened();
  }

  async truncate(sizeBytes: number): Promise<void> {
    const node = this.#opened();
    node.content.truncate(sizeBytes, this.path);
    node.modifiedMs = this.#clock.nowMs();
  }

  async sizeBytes(): Promise<number> {
    return this.#opened().content.sizeBytes;
  }

  async close(): Promise<void> {
    const node = this.#node;
    if (node === null) return;
    this.#node = null;
    node.openHandles--;
    freeUnused(node);
  }

  #opened(): FileNode {
    if (this.#node === null) throw new DiskError("CLOSED", this.path, `${this.path} has been closed`);
    return this.#node;
  }
}

function unlink(node: Node): void {
  if (node.kind === "directory") {
    for (const child of node.entries.values()) unlink(child);
    return;
  }
  node.isLinked = false;
  freeUnused(node);
}

function freeUnused(node: FileNode): void {
  if (!node.isLinked && node.openHandles === 0) node.content.free();
}

function asFile(node: Node | undefined, path: string): FileNode {
  if (node === undefined) throw notFound(path);
  if (node.kind === "directory") throw new DiskError("IO", path, `${path} is a directory`);
  return node;
}
