import { type CrashEnvironment, DirectoryInode, FileInode, type Inode } from "./inodes.ts";

/** What one name stands for from now on; null where it is gone. */
export interface NameChange {
  readonly directory: DirectoryInode;
  readonly name: string;
  readonly inode: Inode | null;
}

/** Changes of names that happen together or not at all: a rename is two of them. */
interface NameOperation {
  readonly sequence: number;
  readonly changes: readonly NameChange[];
}

/** The changes of names that are not durable yet, in the order in which they were made. */
export class NameJournal {
  #unsynced: NameOperation[] = [];
  #sequence = 0;

  /** Changes names at once, as processes see them. */
  change(...changes: NameChange[]): void {
    for (const { directory, name, inode } of changes) set(directory.entries, name, inode);
    this.#unsynced.push({ sequence: this.#sequence++, changes });
  }

  get syncPoint(): number {
    return this.#sequence;
  }

  /** Makes the changes in `directory` durable that were made before `upTo`. */
  synced(directory: DirectoryInode, upTo: number): void {
    const isSynced = (operation: NameOperation) =>
      operation.sequence < upTo && operation.changes.some((change) => change.directory === directory);
    for (const { changes } of this.#unsynced.filter(isSynced)) applyDurably(changes);
    this.#unsynced = this.#unsynced.filter((operation) => !isSynced(operation));
  }

  /**
   * The tree below `root` as it is found after a power cut. Of the changes that were not synced any may be lost, but
   * none is there without the earlier ones in the same directory, or of the same file: that much journaling file systems
   * promise, and what a log deletes comes back whole or not at all only because of it.
   */
  afterPowerCut(root: DirectoryInode, environment: CrashEnvironment): DirectoryInode {
    const survival = environment.random.nextInt(4) / 3;
    const lost = new Lost();
    for (const { changes } of this.#unsynced) {
      if (environment.random.nextFloat() < survival && !changes.some((change) => lost.touches(change))) {
        applyDurably(changes);
        continue;
      }
      environment.hit("lostName");
      for (const change of changes) lost.add(change);
    }
    return restore(root, environment, new Map()) as DirectoryInode;
  }
}

/** Directories that a change was lost of, and files and directories whose change of name was lost. */
class Lost {
  readonly #inodes = new Set<Inode>();

  /** Whether the change comes after one that was lost, or builds on it. */
  touches({ directory, inode }: NameChange): boolean {
    return this.#inodes.has(directory) || (inode !== null && this.#inodes.has(inode));
  }

  add({ directory, name, inode }: NameChange): void {
    this.#inodes.add(directory);
    const concerned = inode ?? directory.durable.get(name);
    if (concerned !== undefined) this.#inodes.add(concerned);
  }
}

function applyDurably(changes: readonly NameChange[]): void {
  for (const { directory, name, inode } of changes) set(directory.durable, name, inode);
}

function set(entries: Map<string, Inode>, name: string, inode: Inode | null): void {
  if (inode === null) entries.delete(name);
  else entries.set(name, inode);
}

function restore(inode: Inode, environment: CrashEnvironment, restored: Map<Inode, Inode>): Inode {
  const known = restored.get(inode);
  if (known !== undefined) return known;
  if (inode instanceof FileInode) {
    const file = inode.afterPowerCut(environment);
    restored.set(inode, file);
    return file;
  }
  const directory = new DirectoryInode(inode.modifiedMs);
  restored.set(inode, directory);
  for (const [name, child] of inode.durable) {
    const found = restore(child, environment, restored);
    directory.entries.set(name, found);
    directory.durable.set(name, found);
  }
  return directory;
}
