import type { CompressionCodec } from "../codec.ts";
import { gzipCodec } from "../gzip.ts";
import { lz4Codec } from "../lz4.ts";
import { noneCodec } from "../none.ts";
import { snappyCodec } from "../snappy.ts";
import { zstdCodec } from "../zstd.ts";

/** By id; all of them there from the start, so that small batches need not wait for anything. */
export const CODECS: readonly CompressionCodec[] = [noneCodec, gzipCodec, snappyCodec, lz4Codec, zstdCodec];
