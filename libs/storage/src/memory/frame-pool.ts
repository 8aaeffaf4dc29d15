import { BufferPool } from "./buffer-pool.ts";

/** Below this new memory is cheap, and would keep much more than is asked for if it were a part of a buffer. */
const POOLED_BYTES_MIN = 16 * 1024;

const SHARED_BUFFER_BYTES = 1024 * 1024;

/** Where frames begin in a buffer: a cache line is one frame's alone. */
const ALIGNMENT_BYTES = 64;

const NOTHING = new Uint8Array(0);

/**
 * Memory for the frames that record batches come in, used again once nobody looks at it: neither the request nor a tail,
 * nor an answer that is on its way. New memory for each frame would be half of what makes V8 mark its heap.
 *
 * Frames share buffers of one size, one after another; a buffer is used again once all its frames are done with. Buffers as large as frames
 * are of many sizes, and others when a broker is busy than when it is not: the memory of those before would be left in pieces.
 *
 * Whoever looks at a frame, or at a part of one, holds it. Bytes that are not of this pool are nobody's concern here. A frame
 * that a holder forgets is left to the garbage collector, with the buffer that it shares.
 */
export class FramePool {
  readonly #buffers: BufferPool;
  /** How many hold each buffer. */
  readonly #holders = new WeakMap<ArrayBufferLike, number>();
  readonly #sharedBytes: number;
  /** The buffer that frames are taken from, which the pool holds meanwhile, and how much of it is taken. */
  #shared: Uint8Array = NOTHING;
  #takenBytes = 0;

  /**
   * @param retainedBytesMax what is kept for the next frames
   * @param sharedBytes the size of a buffer that frames share: what one of them may keep from being used again
   */
  constructor(retainedBytesMax: number, sharedBytes = SHARED_BUFFER_BYTES) {
    this.#buffers = new BufferPool(retainedBytesMax);
    this.#sharedBytes = sharedBytes;
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
    if (sizeBytes > this.#sharedBytes) return this.#take(sizeBytes);
    if (this.#takenBytes + sizeBytes > this.#shared.length) {
      this.release(this.#shared);
      this.#shared = this.#take(this.#sharedBytes);
      this.#takenBytes = 0;
    }
    const frame = this.#shared.subarray(this.#takenBytes, this.#takenBytes + sizeBytes);
    this.#takenBytes += Math.ceil(sizeBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    this.hold(frame);
    return frame;
  }

  /** A buffer, which whoever asked holds. */
  #take(sizeBytes: number): Uint8Array {
    const buffer = this.#buffers.acquire(sizeBytes);
    this.#holders.set(buffer.buffer, 1);
    return buffer;
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
      const isPoolsAlone = holders === 2 && buffer === this.#shared.buffer;
      if (isPoolsAlone) this.#takenBytes = 0;
      return;
    }
    this.#holders.delete(buffer);
    this.#buffers.release(new Uint8Array(buffer as ArrayBuffer));
  }
}
