/** The parts of lz4js in use; the package has no types. */
declare module "lz4js" {
  const lz4: {
    /** The most bytes that `inputBytes` bytes can become. */
    compressBound(inputBytes: number): number;
    /**
     * Compresses `source[start, start + length)` into `target` from 0 on. The table has 65536 entries, all 0.
     * Returns the bytes written, or 0 if the data does not compress.
     */
    compressBlock(
      source: Uint8Array,
      target: Uint8Array,
      start: number,
      length: number,
      hashTable: Uint16Array | Uint32Array,
    ): number;
    /**
     * Decompresses `source[start, start + length)` into `target` from `position` on and returns the position after it.
     * Checks nothing: the block has to be known as sound.
     */
    decompressBlock(source: Uint8Array, target: Uint8Array, start: number, length: number, position: number): number;
  };
  export default lz4;
}

declare module "lz4js/xxh32.js" {
  const xxh32: {
    /** The XXH32 of `bytes[start, start + length)`, unsigned. */
    hash(seed: number, bytes: Uint8Array, start: number, length: number): number;
  };
  export default xxh32;
}
