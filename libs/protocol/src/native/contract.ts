/**
 * What the platform may lend to the record layer. Everything here is optional: the portable code beside each use
 * passes the same tests, so a missing accelerator costs speed and nothing else.
 */

/** CRC-32C over a whole view. `initial` continues a previous checksum. */
export type NativeCrc32c = (bytes: Uint8Array, initial?: number) => number;

/** Raw Snappy blocks, without any framing. */
export interface NativeSnappy {
  compressBlock(input: Uint8Array): Uint8Array;
  decompressBlock(input: Uint8Array): Uint8Array;
}

/** LZ4 blocks, without frame, each preceded by the uncompressed size as 32 bits little-endian. */
export interface NativeLz4 {
  compressBlock(input: Uint8Array): Uint8Array;
  decompressBlock(sizePrefixedInput: Uint8Array): Uint8Array;
}

/**
 * A general purpose compressor of the platform (zlib). A result above `maxOutputBytes` is reported as
 * `OutputTooLargeError`; any other failure as the platform's own error.
 */
export interface NativeStreamCodec {
  compress(input: Uint8Array, level: number): Uint8Array | Promise<Uint8Array>;
  decompress(input: Uint8Array, maxOutputBytes: number): Uint8Array | Promise<Uint8Array>;
}

/** The accelerators of one platform. Each loads on first use and is `null` where it is not to be had. */
export interface NativeModules {
  crc32c(): NativeCrc32c | null;
  snappy(): NativeSnappy | null;
  lz4(): NativeLz4 | null;
  gzip(): NativeStreamCodec | null;
  zstd(): NativeStreamCodec | null;
}
