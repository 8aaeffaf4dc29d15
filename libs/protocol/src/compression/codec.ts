import { KafkaError } from "../errors/kafka-error.ts";

/** The compression codecs of Kafka by `compression.type` name. */
export type CompressionType = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/**
 * Compresses the records section of a batch. Results may come at once or later (a codec of the platform, or one that
 * loads first): callers must cope with both and keep their own order. An output may be the input itself (codec none).
 */
export interface CompressionCodec {
  /** The id in the attributes of a batch: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly id: number;
  readonly name: CompressionType;
  /**
   * @param level `compression.gzip.level` (1..9), `compression.zstd.level` (1..22); ignored by codecs without levels.
   *   Each codec's own default stands for undefined.
   */
  compress(input: Uint8Array, level?: number): Uint8Array | Promise<Uint8Array>;
  /**
   * @param maxOutputBytes the most bytes to produce; more is refused before they are allocated, so that a small
   *   batch cannot fill the memory
   * @throws CompressionError (also as a rejection) if the input is not what the codec writes, or is too large
   */
  decompress(input: Uint8Array, maxOutputBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** Why data could not be decompressed: it is `corrupt`, or larger than allowed (`too-large`). */
export type CompressionFault = "corrupt" | "too-large";

/**
 * Compressed data that cannot be read: Kafka's CORRUPT_MESSAGE (2), or MESSAGE_TOO_LARGE (10) if it would decompress
 * to more than is allowed.
 */
export class CompressionError extends KafkaError {
  override readonly name = "CompressionError";
  readonly codec: CompressionType;
  readonly fault: CompressionFault;

  constructor(codec: CompressionType, fault: CompressionFault, message: string, cause?: unknown) {
    const code = fault === "corrupt" ? "CORRUPT_MESSAGE" : "MESSAGE_TOO_LARGE";
    super(`${codec}: ${message}`, { code, cause });
    this.codec = codec;
    this.fault = fault;
  }
}

/** The error for output above the bound. */
export function outputTooLarge(codec: CompressionType, maxOutputBytes: number): CompressionError {
  return new CompressionError(codec, "too-large", `decompressed data is larger than ${maxOutputBytes} bytes`);
}

/** The error for input that the codec did not write. */
export function corruptInput(codec: CompressionType, message: string, cause?: unknown): CompressionError {
  return new CompressionError(codec, "corrupt", message, cause);
}

/** Unless told otherwise a batch may decompress to this many bytes. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024;

/** Starts `load` at the first call; gives its result at once when it is there. A failure is tried again. */
export function loadOnce<T>(load: () => Promise<T>): () => T | Promise<T> {
  let state: T | Promise<T> | undefined;
  return () => {
    state ??= load().then(
      (loaded) => {
        state = loaded;
        return loaded;
      },
      (error) => {
        state = undefined;
        throw error;
      },
    );
    return state;
  };
}

/** Uses `value` at once, or when it is there. */
export function after<T, U>(value: T | Promise<T>, use: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}
