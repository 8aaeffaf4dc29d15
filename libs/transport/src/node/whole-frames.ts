import type { Socket } from "node:net";
import type { RequestFrames } from "../server/contract.ts";
import { freeMemory } from "./free-memory.ts";
import { frameBytesAt, HEADER_BYTES_MAX } from "./websocket-frames.ts";

/** Who only announces a frame costs no more than this. What is larger goes to `ws` as it comes. */
const GATHERED_BYTES_MAX = 1024 * 1024;

/** A frame that has begun. Invariant: fewer bytes than its size have come. */
interface BegunFrame {
  readonly sizeBytes: number;
  /** Where it is put together; null for one that is too large. */
  readonly memory: Uint8Array | null;
  comeBytes: number;
}

/**
 * Puts WebSocket frames that span chunks of the socket together in memory that is used again, where `ws` then unmasks them in
 * place. By itself `ws` would put each together in new memory, which V8 counts as growth of its heap.
 *
 * This only chooses where the bytes lie. They stay the same, in the same order: what they mean is for `ws` to say.
 */
export class WholeFrames {
  readonly #memory: RequestFrames;
  readonly #deliver: (bytes: Uint8Array) => void;
  /** The beginning of a frame whose size it does not tell yet. Idle connections do without the memory. */
  #header: Uint8Array | null = null;
  #headerBytes = 0;
  #begun: BegunFrame | null = null;
  /** Whether a part of the chunk at hand was delivered. */
  #isChunkKept = false;

  constructor(memory: RequestFrames, deliver: (bytes: Uint8Array) => void) {
    this.#memory = memory;
    this.#deliver = deliver;
  }

  /** Takes what the socket has read; it is freed where no part of it is delivered. */
  take(chunk: Uint8Array): void {
    this.#isChunkKept = false;
    let position = 0;
    while (position < chunk.length) {
      if (this.#begun !== null) position = this.#continue(this.#begun, chunk, position);
      else position = this.#headerBytes > 0 ? this.#readHeader(chunk, position) : this.#passWhole(chunk, position);
    }
    if (!this.#isChunkKept) freeMemory(chunk);
  }

  /** Delivers the frames that lie within the chunk, together and where they are, and begins the next one. */
  #passWhole(chunk: Uint8Array, start: number): number {
    let end = start;
    for (;;) {
      const sizeBytes = frameBytesAt(chunk, end);
      if (sizeBytes === undefined || end + sizeBytes > chunk.length) break;
      end += sizeBytes;
    }
    if (end > start) this.#pass(chunk.subarray(start, end));
    return end < chunk.length ? this.#readHeader(chunk, end) : end;
  }

  #readHeader(chunk: Uint8Array, start: number): number {
    this.#header ??= new Uint8Array(HEADER_BYTES_MAX);
    let position = start;
    let sizeBytes: number | undefined;
    while (sizeBytes === undefined && position < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[position++]!;
      sizeBytes = frameBytesAt(this.#header, 0, this.#headerBytes);
    }
    if (sizeBytes !== undefined) this.#begin(this.#header.subarray(0, this.#headerBytes), sizeBytes);
    return position;
  }

  #begin(header: Uint8Array, sizeBytes: number): void {
    this.#header = null;
    this.#headerBytes = 0;
    const isGathered = sizeBytes <= GATHERED_BYTES_MAX;
    const memory = isGathered ? this.#memory.gather(header, sizeBytes) : null;
    this.#begun = { sizeBytes, memory, comeBytes: 0 };
    this.#continue(this.#begun, header, 0);
  }

  #continue(begun: BegunFrame, bytes: Uint8Array, start: number): number {
    const part = bytes.subarray(start, start + begun.sizeBytes - begun.comeBytes);
    begun.memory?.set(part, begun.comeBytes);
    begun.comeBytes += part.length;
    const isWhole = begun.comeBytes === begun.sizeBytes;
    if (isWhole) this.#begun = null;
    if (begun.memory === null) this.#pass(part);
    else if (isWhole) this.#deliver(begun.memory);
    return start + part.length;
  }

  #pass(part: Uint8Array): void {
    this.#isChunkKept = true;
    this.#deliver(part);
  }
}

/** Has `ws`, which is all that reads this socket, find its frames whole. */
export function deliverWholeFrames(socket: Socket, memory: RequestFrames): void {
  const read = socket.listeners("data")[0] as (this: Socket, chunk: Buffer) => void;
  const frames = new WholeFrames(memory, ({ buffer, byteOffset, byteLength }) => {
    read.call(socket, Buffer.from(buffer, byteOffset, byteLength));
  });
  socket.off("data", read);
  socket.on("data", (chunk) => frames.take(chunk));
}
