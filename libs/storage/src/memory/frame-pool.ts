import { BufferPool } from "./buffer-pool.ts";

/** Below this a buffer of its own is cheap, and one of the pool's sizes would keep much more than is asked for. */
const POOLED_BYTES_MIN = 16 * 1024;

/**
 * Memory for the frames that record batches come in, used again once nobody looks at it: neither the request nor a tail,
 * nor an answer that is on its way. New memory for each frame would be half of what makes V8 mark its heap.
 *
 * Whoever looks at a frame, or at a part of one, holds it. Bytes that are not of this pool are nobody's concern here. A frame
 * that a holder forgets is left to the garbage collector.
 */
export class FramePool {
  readonly #buffers: BufferPool;
  /** How many hold each buffer. */
  readonly #holders = new WeakMap<ArrayBufferLike, number>();

  /** @param retainedBytesMax what is kept for the next frames */
  constructor(retainedBytesMax: number) {
    this.#buffers = new BufferPool(retainedBytesMax);
  }

  /** Memory for a frame of which `before` has come so far: that is copied to it at once, and is held no more. */
  readonly gather = (before: Uint8Array, sizeBytes: number): Uint8Array => {
    const memory = this.acquire(sizeBytes);
    this.release(before);
    return memory;
  };

  /** So many bytes, with arbitrary content; whoever asked holds them. */
  acquire(sizeBytes: number): Uint8Array {
    if (sizeBytes < POOLED_BYTES_MIN) return new Uint8Array(sizeBytes);
    const frame = this.#buffers.acquire(sizeBytes);
    this.#holders.set(frame.buffer, 1);
    return frame;
  }

  /** Another one looks at these bytes, until it calls {@link release}. Somebody must hold them already. */
  hold({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer);
    if (holders !== undefined) this.#holders.set(buffer, holders + 1);
  }

  /** One of those who hold these bytes looks at them no more. Called once for each {@link acquire} and {@link hold}. */
  release({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer);
    if (holders === undefined) return;
    if (holders > 1) {
      this.#holders.set(buffer, holders - 1);
      return;
    }
    this.#holders.delete(buffer);
    this.#buffers.release(new Uint8Array(buffer as ArrayBuffer));
  }
}
