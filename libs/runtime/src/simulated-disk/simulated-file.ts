import { DiskError, type DiskFile } from "../disk.ts";
import type { FileInode } from "./inodes.ts";
import { faultError, type Machine } from "./machine.ts";

/** An open file of a simulated disk. */
export class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly #machine: Machine;
  readonly #inode: FileInode;
  readonly #inFlight = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(machine: Machine, path: string, inode: FileInode) {
    this.#machine = machine;
    this.path = path;
    this.#inode = inode;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#run(async () => {
      await this.#machine.turns();
      this.#machine.failMaybe("readError", this.path);
      return this.#inode.cached.read(target, position);
    });
  }

  readSync(target: Uint8Array, position: number): number {
    this.#checkOpen();
    this.#machine.failMaybe("readError", this.path);
    return this.#inode.cached.read(target, position);
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.#run(() => this.#write(joined(chunks), position));
  }

  sync(): Promise<void> {
    return this.#run(async () => {
      const { syncPoint } = this.#inode;
      try {
        await this.#machine.begin("sync", this.path, "syncError");
      } catch (error) {
        this.#inode.syncFailed(syncPoint, this.#machine.random);
        throw error;
      }
      if (!this.#machine.ignoresSync(this.path, "sync")) this.#inode.synced(syncPoint);
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#run(async () => {
      await this.#machine.begin("truncate", this.path, "writeError");
      if (sizeBytes !== this.#inode.cached.sizeBytes) this.#inode.truncate(sizeBytes, this.#machine.nowMs());
    });
  }

  async sizeBytes(): Promise<number> {
    this.#checkOpen();
    return this.#inode.cached.sizeBytes;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
  }

  /** A write that is cut short goes on after a while, or ends there with an error, or with the machine. */
  async #write(bytes: Uint8Array, position: number): Promise<void> {
    const machine = this.#machine;
    // What was waiting for time, not for the disk, goes on after the machine has stopped.
    if (machine.isStopped) return await machine.stop();
    const put = (from: number, to: number) =>
      this.#inode.write(bytes.subarray(from, to), position + from, machine.nowMs());
    const middle = machine.random.nextInt(bytes.length + 1);
    if (machine.isLast("write", this.path)) {
      put(0, middle);
      return await machine.stop();
    }
    machine.hit("write");
    await machine.turns();
    const grows = position + bytes.length > this.#inode.cached.sizeBytes;
    for (const fault of grows ? (["noSpace", "writeError"] as const) : (["writeError"] as const)) {
      if (!machine.happens(fault)) continue;
      put(0, middle);
      throw faultError(fault, this.path);
    }
    if (!machine.happens("shortWrite")) return put(0, bytes.length);
    put(0, middle);
    await machine.turns();
    put(middle, bytes.length);
  }

  async #run<T>(action: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    const running = action();
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new DiskError("CLOSED", this.path, `${this.path} has been closed`);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
