import { MemoryBudget, MemoryContent } from "../memory-file.ts";
import type { Random } from "../random.ts";

const UNLIMITED = new MemoryBudget(Number.POSITIVE_INFINITY);

/** What may become of data that was never synced, in a power cut. */
export type CrashEffect = "lostWrite" | "tornWrite" | "zeroedTail" | "garbageTail" | "lostName";

export interface CrashEnvironment {
  readonly random: Random;
  hit(effect: CrashEffect): void;
}

interface FileChange {
  readonly sequence: number;
  /** Bytes written at `position`, or null where the file was cut or extended to `position`. */
  readonly bytes: Uint8Array | null;
  readonly position: number;
}

/** A file: what processes see (the page cache), what the medium holds, and the changes in between. */
export class FileInode {
  readonly kind = "file";
  readonly cached = new MemoryContent(UNLIMITED);
  readonly #durable = new MemoryContent(UNLIMITED);
  #unsynced: FileChange[] = [];
  #sequence = 0;
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  write(bytes: Uint8Array, position: number, nowMs: number): void {
    if (bytes.length === 0) return;
    this.#change({ sequence: this.#sequence++, bytes: bytes.slice(), position }, nowMs);
  }

  truncate(sizeBytes: number, nowMs: number): void {
    this.#change({ sequence: this.#sequence++, bytes: null, position: sizeBytes }, nowMs);
  }

  /** Where a sync that begins now ends: what is written during it may or may not be covered. */
  get syncPoint(): number {
    return this.#sequence;
  }

  synced(upTo: number): void {
    while (this.#unsynced.length > 0 && this.#unsynced[0]!.sequence < upTo)
      apply(this.#durable, this.#unsynced.shift()!);
  }

  /** A failed sync leaves pages marked as clean that never reached the medium: no later sync brings them there. */
  syncFailed(upTo: number, random: Random): void {
    const kept = this.#unsynced.filter((change) => change.sequence >= upTo);
    for (const change of this.#unsynced) {
      if (change.sequence < upTo && random.nextInt(2) === 0) apply(this.#durable, change);
    }
    this.#unsynced = kept;
  }

  /** The file as it is found after a power cut: each change that was not synced is there, or torn, or gone. */
  afterPowerCut(environment: CrashEnvironment): FileInode {
    const found = new FileInode(this.modifiedMs);
    found.write(contentOf(this.#durable), 0, this.modifiedMs);
    const survival = environment.random.nextInt(4) / 3;
    for (const change of this.#unsynced) this.#survive(change, found, survival, environment);
    this.#leaveTail(found, environment);
    found.synced(found.syncPoint);
    return found;
  }

  #change(change: FileChange, nowMs: number): void {
    apply(this.cached, change);
    this.#unsynced.push(change);
    this.modifiedMs = nowMs;
  }

  #survive(change: FileChange, found: FileInode, survival: number, { random, hit }: CrashEnvironment): void {
    const { bytes, position } = change;
    if (random.nextFloat() >= survival) hit("lostWrite");
    else if (bytes === null) found.truncate(position, this.modifiedMs);
    else if (random.nextInt(4) > 0) found.write(bytes, position, this.modifiedMs);
    else {
      hit("tornWrite");
      const at = random.nextInt(bytes.length + 1);
      if (random.nextInt(2) === 0) found.write(bytes.subarray(0, at), position, this.modifiedMs);
      else found.write(bytes.subarray(at), position + at, this.modifiedMs);
    }
  }

  /** The new length may have reached the medium without what is in there. */
  #leaveTail(found: FileInode, { random, hit }: CrashEnvironment): void {
    const missingBytes = this.cached.sizeBytes - found.cached.sizeBytes;
    if (missingBytes <= 0 || random.nextInt(4) > 0) return;
    const tail = new Uint8Array(1 + random.nextInt(missingBytes));
    const isGarbage = random.nextInt(2) === 0;
    hit(isGarbage ? "garbageTail" : "zeroedTail");
    found.write(isGarbage ? random.fill(tail) : tail, found.cached.sizeBytes, this.modifiedMs);
  }
}

/** Names and what they stand for: as processes see them, and as the medium has them. */
export class DirectoryInode {
  readonly kind = "directory";
  readonly entries = new Map<string, Inode>();
  readonly durable = new Map<string, Inode>();
  readonly modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }
}

export type Inode = FileInode | DirectoryInode;

export function contentOf(content: MemoryContent): Uint8Array {
  const bytes = new Uint8Array(content.sizeBytes);
  content.read(bytes, 0);
  return bytes;
}

function apply(content: MemoryContent, { bytes, position }: FileChange): void {
  if (bytes === null) content.truncate(position, "");
  else content.write(bytes, position, "");
}
