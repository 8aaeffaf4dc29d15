import { FrameSizeError } from "./transport-error.ts";

/** Bytes of the big-endian signed size before each frame. */
export const SIZE_PREFIX_BYTES = 4;

/**
 * What is set aside at first for a frame that does not fit its chunk. A peer that only announces a large frame costs
 * no more than this; up to this size a frame is gathered with exactly one copy.
 */
const FIRST_GATHER_BYTES = 1024 * 1024;
/** How much larger the next gather buffer is: an eighth of a larger frame is copied once more. */
const GATHER_GROWTH = 8;

const NO_BYTES = new Uint8Array(0);

/**
 * Sets memory aside for a frame that spans chunks, `sizeBytes` with whatever is in them. `before` holds what has come of it: that
 * is copied at once, and nobody looks at it any more.
 */
export type FrameMemory = (before: Uint8Array, sizeBytes: number) => Uint8Array;

export interface FrameDecoderOptions {
  /** Largest allowed frame, its size prefix not counted: `socket.request.max.bytes` on a broker. */
  readonly maxFrameBytes: number;
  /** Default: new memory for each frame. */
  readonly memory?: FrameMemory | undefined;
}

/** Takes a frame; `isOfChunk` where it is a view of the chunk at hand. */
export type OnFrame = (frame: Uint8Array, isOfChunk?: boolean) => void;

/**
 * Cuts a stream of bytes into Kafka frames: a 4-byte size, then that many bytes.
 *
 * Chunks may be split and coalesced anywhere. A frame that lies within one chunk is a view of it; one that spans
 * chunks is gathered into a buffer of its own, so no frame pins more than the chunk it came in.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #memory: FrameMemory | undefined;
  #prefix = 0;
  #prefixBytes = 0;
  /** Size of the frame being read; -1 while its size prefix is not complete. */
  #frameBytes = -1;
  #gathered: Uint8Array = NO_BYTES;
  #gatheredBytes = 0;
  /** Whether a frame that was handed over is a view of the chunk at hand. */
  #isChunkKept = false;

  constructor(options: FrameDecoderOptions) {
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#memory = options.memory;
  }

  /** Bytes held of a frame that is not complete. */
  get pendingBytes(): number {
    return this.#prefixBytes + this.#gatheredBytes;
  }

  /** Size of the frame that has begun and is not complete; 0 between frames. */
  get announcedBytes(): number {
    return Math.max(this.#frameBytes, 0);
  }

  /**
   * Takes the next chunk and hands over each frame (without its size) that it completes.
   * @returns whether the chunk is needed no more: none of these frames is a view of it
   * @throws FrameSizeError for a negative or too large size; the decoder is of no use afterwards.
   */
  push(chunk: Uint8Array, onFrame: OnFrame): boolean {
    this.#isChunkKept = false;
    let position = 0;
    while (position < chunk.length) {
      if (this.#frameBytes < 0) position = this.#readPrefix(chunk, position);
      if (this.#frameBytes >= 0) position = this.#readFrame(chunk, position, onFrame);
    }
    return !this.#isChunkKept;
  }

  /** The place of what is missing of a frame that has begun, as far as memory is set aside; undefined without one. */
  room(): Uint8Array | undefined {
    if (this.#gatheredBytes === 0) return undefined;
    if (this.#gatheredBytes === this.#gathered.length) this.#grow(this.#gatheredBytes + 1);
    return this.#gathered.subarray(this.#gatheredBytes);
  }

  /** Takes `sizeBytes` that were put where {@link room} said, and hands over the frame if that completes it. */
  filled(sizeBytes: number, onFrame: OnFrame): void {
    this.#gatheredBytes += sizeBytes;
    if (this.#gatheredBytes < this.#frameBytes) return;
    const frame = this.#gathered;
    this.#reset();
    onFrame(frame);
  }

  #readPrefix(chunk: Uint8Array, start: number): number {
    let position = start;
    while (this.#prefixBytes < SIZE_PREFIX_BYTES && position < chunk.length) {
      this.#prefix = (this.#prefix << 8) | chunk[position++]!;
      this.#prefixBytes++;
    }
    if (this.#prefixBytes === SIZE_PREFIX_BYTES) {
      if (this.#prefix < 0 || this.#prefix > this.#maxFrameBytes)
        throw new FrameSizeError(this.#prefix, this.#maxFrameBytes);
      this.#frameBytes = this.#prefix;
    }
    return position;
  }

  #readFrame(chunk: Uint8Array, position: number, onFrame: OnFrame): number {
    const missingBytes = this.#frameBytes - this.#gatheredBytes;
    const end = position + missingBytes;
    if (this.#gatheredBytes === 0 && end <= chunk.length) {
      this.#reset();
      this.#isChunkKept = true;
      onFrame(chunk.subarray(position, end), true);
      return end;
    }
    const part = chunk.subarray(position, end);
    const gatheredBytes = this.#gatheredBytes + part.length;
    if (gatheredBytes > this.#gathered.length) this.#grow(gatheredBytes);
    this.#gathered.set(part, this.#gatheredBytes);
    this.filled(part.length, onFrame);
    return position + part.length;
  }

  #grow(neededBytes: number): void {
    const before = this.#gathered;
    const capacityBytes = Math.max(neededBytes, FIRST_GATHER_BYTES, before.length * GATHER_GROWTH);
    const sizeBytes = Math.min(capacityBytes, this.#frameBytes);
    this.#gathered = this.#memory?.(before, sizeBytes) ?? new Uint8Array(sizeBytes);
    this.#gathered.set(before);
  }

  #reset(): void {
    this.#prefix = 0;
    this.#prefixBytes = 0;
    this.#frameBytes = -1;
    this.#gathered = NO_BYTES;
    this.#gatheredBytes = 0;
  }
}
