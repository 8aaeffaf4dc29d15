/** The parts of snappyjs in use; the package has no types. */
declare module "snappyjs/snappy_compressor.js" {
  interface SnappyCompressor {
    maxCompressedLength(): number;
    /** Returns the bytes written. */
    compressToBuffer(output: Uint8Array): number;
  }
  const compressor: { readonly SnappyCompressor: new (input: Uint8Array) => SnappyCompressor };
  export default compressor;
}

declare module "snappyjs/snappy_decompressor.js" {
  interface SnappyDecompressor {
    /** -1 if there is none. */
    readUncompressedLength(): number;
    /** Checks little: the input has to be known as sound. */
    uncompressToBuffer(output: Uint8Array): boolean;
  }
  const decompressor: { readonly SnappyDecompressor: new (input: Uint8Array) => SnappyDecompressor };
  export default decompressor;
}
