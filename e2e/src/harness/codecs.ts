import zlib from "node:zlib";
import { init as initZstd, compress as zstdCompress, decompress as zstdDecompress } from "@bokuweb/zstd-wasm";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import SnappyCodec from "kafkajs-snappy";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";

// Clients in JavaScript leave codecs to others: this gives them all. Import this before them, wherever one of them is used:
// files that follow one another share what is loaded.
await initZstd();

/** kafkajs brings gzip alone, and asks its user for the others. */
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { readonly buffer: Buffer }) => compressFrameSync(encoder.buffer),
  decompress: async (bytes: Buffer) => decompressFrameSync(bytes),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder: { readonly buffer: Buffer }) => Buffer.from(zstdCompress(encoder.buffer)),
  decompress: async (bytes: Buffer) => Buffer.from(zstdDecompress(bytes)),
});

/** @platformatic/kafka takes zstd from Node.js, which has it from 22.15 on. */
const platform = zlib as unknown as Record<string, (bytes: Uint8Array) => Buffer>;
platform.zstdCompressSync ??= (bytes) => Buffer.from(zstdCompress(bytes));
platform.zstdDecompressSync ??= (bytes) => Buffer.from(zstdDecompress(bytes));
