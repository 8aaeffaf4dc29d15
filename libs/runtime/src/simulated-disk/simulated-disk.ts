import {
  type Disk,
  type DiskEntry,
  DiskError,
  type DiskFile,
  type DiskLock,
  type DiskStat,
  type OpenOptions,
} from "../disk.ts";
import { nameOf, notFound, parentOf, segmentsOf } from "../disk-paths.ts";
import { type CrashEffect, contentOf, DirectoryInode, FileInode, type Inode } from "./inodes.ts";
import { type DiskFault, type DiskOperation, Machine, type SimulatedDiskOptions, type StoppedAt } from "./machine.ts";
import { NameJournal } from "./name-journal.ts";
import { SimulatedFile } from "./simulated-file.ts";

export type { CrashEffect } from "./inodes.ts";
export type { DiskFault, DiskOperation, SimulatedDiskOptions, StoppedAt } from "./machine.ts";

/** How a machine stops: `process` keeps the page cache, `power` only what was synced, and by chance some of the rest. */
export type CrashKind = "process" | "power";

/**
 * A disk in memory that does its worst within what the port allows, as a seed decides: operations overlap, what was
 * not synced is lost, torn or reordered by a crash, writes come in two parts, and operations fail.
 */
export interface SimulatedDisk extends Disk {
  readonly faults: Partial<Record<DiskFault, number>>;
  /** How many operations were begun. */
  readonly operations: number;
  /** How often each operation, fault and effect of a crash took place, on this disk and those it was made from. */
  readonly counts: ReadonlyMap<DiskOperation | DiskFault | CrashEffect, number>;
  /** Resolves when the operation that {@link crashAfter} chose has begun. From then on nothing settles any more. */
  readonly stopped: Promise<void>;
  /** The operation that it stopped at by itself; null before that. */
  readonly stoppedAt: StoppedAt | null;
  /** Lets the machine stop at the start, or in the middle, of the operation after the next `operations`. */
  crashAfter(operations: number): void;
  /** Stops the machine, if it has not stopped yet: the disk as the next process finds it. This one is of no more use. */
  crash(kind: CrashKind): SimulatedDisk;
}

export function createSimulatedDisk(options: SimulatedDiskOptions): SimulatedDisk {
  const machine = new Machine(options, new Map());
  return new DiskOfMachine(machine, new DirectoryInode(machine.nowMs()), new NameJournal());
}

class DiskOfMachine implements SimulatedDisk {
  readonly #machine: Machine;
  readonly #root: DirectoryInode;
  readonly #names: NameJournal;
  readonly #locks = new Set<string>();

  constructor(machine: Machine, root: DirectoryInode, names: NameJournal) {
    this.#machine = machine;
    this.#root = root;
    this.#names = names;
  }

  get faults() {
    return this.#machine.faults;
  }

  get counts() {
    return this.#machine.counts;
  }

  get operations() {
    return this.#machine.operations;
  }

  get stopped() {
    return this.#machine.stopped;
  }

  get stoppedAt() {
    return this.#machine.stoppedAt;
  }

  crashAfter(operations: number): void {
    this.#machine.crashAt = this.#machine.operations + operations;
  }

  crash(kind: CrashKind): SimulatedDisk {
    const { options, counts, random } = this.#machine;
    void this.#machine.stop();
    const next = new Machine(options, counts);
    if (kind === "process") return new DiskOfMachine(next, this.#root, this.#names);
    const environment = { random, hit: (effect: CrashEffect) => next.hit(effect) };
    return new DiskOfMachine(next, this.#names.afterPowerCut(this.#root, environment), new NameJournal());
  }

  async open(path: string, options?: OpenOptions): Promise<DiskFile> {
    const isPresent = this.#find(path) !== undefined;
    if (!isPresent && options?.create) {
      await this.#machine.begin("create", path, "nameError", "noSpace");
      const directory = this.#directory(parentOf(path));
      const inode = new FileInode(this.#machine.nowMs());
      if (!directory.entries.has(nameOf(path))) this.#names.change({ directory, name: nameOf(path), inode });
    } else {
      await this.#machine.turns();
    }
    const file = new SimulatedFile(this.#machine, path, asFile(this.#find(path), path));
    if (options?.truncate) await file.truncate(0);
    return file;
  }

  async readFile(path: string): Promise<Uint8Array> {
    await this.#machine.turns();
    this.#machine.failMaybe("readError", path);
    return contentOf(asFile(this.#find(path), path).cached);
  }

  async list(directory: string): Promise<DiskEntry[]> {
    await this.#machine.turns();
    const { entries } = this.#directory(directory);
    return Array.from(entries, ([name, inode]) => ({ name, isDirectory: inode.kind === "directory" }));
  }

  async stat(path: string): Promise<DiskStat | null> {
    await this.#machine.turns();
    const inode = this.#find(path);
    if (inode === undefined) return null;
    const isDirectory = inode.kind === "directory";
    return { isDirectory, modifiedMs: inode.modifiedMs, sizeBytes: isDirectory ? 0 : inode.cached.sizeBytes };
  }

  async makeDirectory(path: string, options?: { readonly durable: boolean }): Promise<boolean> {
    await this.#machine.begin("makeDirectory", path, "nameError");
    let at = this.#root;
    let isNew = false;
    for (const name of segmentsOf(path)) {
      const next = at.entries.get(name);
      isNew = next === undefined;
      if (next?.kind === "file") throw new DiskError("EXISTS", path, `a file is in the way of the directory ${path}`);
      const inode = next ?? new DirectoryInode(this.#machine.nowMs());
      if (isNew) {
        this.#names.change({ directory: at, name, inode });
        if (options?.durable !== false) this.#names.synced(at, this.#names.syncPoint);
      }
      at = inode;
    }
    return isNew;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#machine.begin("rename", from, "nameError");
    const source = this.#directory(parentOf(from));
    const inode = source.entries.get(nameOf(from));
    if (inode === undefined) throw notFound(from);
    const target = this.#directory(parentOf(to));
    const replaced = target.entries.get(nameOf(to));
    if (replaced === inode) return;
    checkReplaceable(inode, replaced, to);
    this.#names.change(
      { directory: source, name: nameOf(from), inode: null },
      { directory: target, name: nameOf(to), inode },
    );
  }

  async remove(path: string): Promise<void> {
    const inode = this.#find(path);
    if (inode === undefined) return;
    const children = inode.kind === "directory" ? [...inode.entries.keys()] : [];
    for (const name of children) await this.remove(`${path}/${name}`);
    await this.#machine.begin("remove", path, "nameError");
    if (this.#machine.options.ignoresRemoval?.(path)) return;
    const directory = this.#directory(parentOf(path));
    if (directory.entries.has(nameOf(path))) this.#names.change({ directory, name: nameOf(path), inode: null });
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = this.#directory(path);
    const { syncPoint } = this.#names;
    await this.#machine.begin("syncDirectory", path, "syncError");
    if (!this.#machine.ignoresSync(path, "syncDirectory")) this.#names.synced(directory, syncPoint);
  }

  async lock(path: string): Promise<DiskLock> {
    this.#directory(parentOf(path));
    if (this.#locks.has(path)) throw new DiskError("LOCKED", path, `${path} is locked by another holder`);
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  #find(path: string): Inode | undefined {
    let at: Inode | undefined = this.#root;
    for (const name of segmentsOf(path)) at = at?.kind === "directory" ? at.entries.get(name) : undefined;
    return at;
  }

  #directory(path: string): DirectoryInode {
    const inode = this.#find(path);
    if (inode?.kind !== "directory") throw notFound(path);
    return inode;
  }
}

function checkReplaceable(inode: Inode, replaced: Inode | undefined, path: string): void {
  if (replaced === undefined) return;
  if (replaced.kind !== inode.kind) throw new DiskError("IO", path, `${path} is a ${replaced.kind}`);
  if (replaced.kind === "directory" && replaced.entries.size > 0) {
    throw new DiskError("EXISTS", path, `the directory ${path} is not empty`);
  }
}

function asFile(inode: Inode | undefined, path: string): FileInode {
  if (inode === undefined) throw notFound(path);
  if (inode.kind === "directory") throw new DiskError("IO", path, `${path} is a directory`);
  return inode;
}
