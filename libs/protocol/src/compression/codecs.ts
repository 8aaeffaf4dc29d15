import type { CompressionCodec, CompressionType } from "./codec.ts";
import { gzipCodec } from "./gzip.ts";
import { lz4Codec } from "./lz4.ts";
import { noneCodec } from "./none.ts";
import { snappyCodec } from "./snappy.ts";
import { zstdCodec } from "./zstd.ts";

/** By id. */
const CODECS: readonly CompressionCodec[] = [noneCodec, gzipCodec, snappyCodec, lz4Codec, zstdCodec];

/** The codec with this id in a batch's attributes, or undefined if there is none. */
export function codecById(id: number): CompressionCodec | undefined {
  return CODECS[id];
}

/** The codec with this `compression.type` name, or undefined if there is none. */
export function codecByName(name: CompressionType): CompressionCodec;
export function codecByName(name: string): CompressionCodec | undefined;
export function codecByName(name: string): CompressionCodec | undefined {
  return CODECS.find((codec) => codec.name === name);
}
