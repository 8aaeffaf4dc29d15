import type { CompressionCodec, CompressionType } from "./codec.ts";
import { createGzipCodec } from "./gzip.ts";
import { webGzip } from "./gzip-web.ts";
import { createLz4Codec } from "./lz4.ts";
import { noneCodec } from "./none.ts";
import { createSnappyCodec } from "./snappy.ts";
import { createZstdCodec, loadPortableZstd } from "./zstd.ts";

/** The codecs as they are where nothing of the platform helps: for tests and measurements. */
export const portableCodecs: Record<CompressionType, CompressionCodec> = {
  none: noneCodec,
  gzip: createGzipCodec(() => webGzip),
  snappy: createSnappyCodec(() => null),
  lz4: createLz4Codec(() => null),
  zstd: createZstdCodec(loadPortableZstd),
};
