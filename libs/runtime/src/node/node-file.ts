import * as fs from "node:fs";
import { DiskError, type DiskFile, type WriteOptions } from "../disk.ts";
import { toDiskError } from "./node-errors.ts";
import type { WritePace } from "./write-pace.ts";

/** The most buffers that one gathered write takes (IOV_MAX on Linux, macOS and Windows' emulation). */
const MAX_CHUNKS_PER_WRITE = 1024;

/**
 * A file descriptor as a {@link DiskFile}.
 * Invariant: the descriptor is closed only when no call uses it, for its number may be given to another file at once.
 */
export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #pace: WritePace;
  #callsInFlight = 0;
  #closed: Promise<void> | null = null;
  #closeWhenIdle: (() => void) | null = null;

  constructor(path: string, fd: number, pace: WritePace) {
    this.path = path;
    this.#fd = fd;
    this.#pace = pace;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const count = await this.#readSome(target, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  readSync(target: Uint8Array, position: number): number {
    this.#checkOpen();
    try {
      let done = 0;
      while (done < target.length) {
        const count = fs.readSync(this.#fd, target, done, target.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    } catch (error) {
      throw toDiskError(error, this.path);
    }
  }

  async write(
    chunks: readonly Uint8Array[],
    position: number,
    { isAwaited = false }: WriteOptions = {},
  ): Promise<void> {
    let remaining = chunks;
    while (remaining.length > 0) {
      const batch = remaining.length > MAX_CHUNKS_PER_WRITE ? remaining.slice(0, MAX_CHUNKS_PER_WRITE) : remaining;
      const written = await this.#writeSome(batch, position, isAwaited);
      position += written;
      remaining = dropWritten(remaining, written);
    }
  }

  sync(): Promise<void> {
    return this.#call((done) => fs.fdatasync(this.#fd, (error) => done(error, undefined)));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#call((done) => fs.ftruncate(this.#fd, sizeBytes, (error) => done(error, undefined)));
  }

  async sizeBytes(): Promise<number> {
    return this.#call((done) => fs.fstat(this.#fd, (error, stats) => done(error, stats?.size)));
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve, reject) => {
      const close = () => fs.close(this.#fd, (error) => (error ? reject(toDiskError(error, this.path)) : resolve()));
      if (this.#callsInFlight === 0) close();
      else this.#closeWhenIdle = close;
    });
    return this.#closed;
  }

  #readSome(target: Uint8Array, from: number, position: number): Promise<number> {
    return this.#call((done) => fs.read(this.#fd, target, from, target.length - from, position, done));
  }

  async #writeSome(chunks: readonly Uint8Array[], position: number, isAwaited: boolean): Promise<number> {
    const written = this.#pace.allowsAtOnce(chunks, performance.now(), isAwaited)
      ? this.#writeAtOnce(chunks, position)
      : await this.#call<number>((done) => {
          if (chunks.length === 1) fs.write(this.#fd, chunks[0]!, 0, chunks[0]!.length, position, done);
          else fs.writev(this.#fd, chunks as Uint8Array[], position, done);
        });
    if (written === 0 && chunks.some((chunk) => chunk.length > 0)) {
      throw new DiskError("IO", this.path, `the platform wrote nothing to ${this.path} and gave no reason`);
    }
    return written;
  }

  #writeAtOnce(chunks: readonly Uint8Array[], position: number): number {
    this.#checkOpen();
    const startedMs = performance.now();
    try {
      if (chunks.length === 1) return fs.writeSync(this.#fd, chunks[0]!, 0, chunks[0]!.length, position);
      return fs.writevSync(this.#fd, chunks as Uint8Array[], position);
    } catch (error) {
      throw toDiskError(error, this.path);
    } finally {
      this.#pace.tookAtOnce(performance.now() - startedMs);
    }
  }

  #call<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      this.#callsInFlight++;
      const call = this.#pace.threadBegan(performance.now());
      start((error, value) => {
        this.#pace.threadEnded(call);
        this.#callsInFlight--;
        if (this.#callsInFlight === 0) this.#closeWhenIdle?.();
        if (error) reject(toDiskError(error, this.path));
        else resolve(value as T);
      });
    });
  }

  #checkOpen(): void {
    if (this.#closed !== null) throw new DiskError("CLOSED", this.path, `${this.path} has been closed`);
  }
}

/** What is left of `chunks` once the first `written` bytes of them are in the file. */
function dropWritten(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let index = 0;
  while (index < chunks.length && written >= chunks[index]!.length) written -= chunks[index++]!.length;
  if (index === chunks.length) return [];
  const rest = chunks.slice(index);
  if (written > 0) rest[0] = rest[0]!.subarray(written);
  return rest;
}
