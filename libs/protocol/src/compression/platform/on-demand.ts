import { after, type CompressionCodec, type CompressionType, loadOnce } from "../codec.ts";
import { noneCodec } from "../none.ts";

/** By id; a page loads the codec that it meets. */
export const CODECS: readonly CompressionCodec[] = [
  noneCodec,
  /*#__PURE__*/ onDemand(1, "gzip", async () => (await import("../gzip.ts")).gzipCodec),
  /*#__PURE__*/ onDemand(2, "snappy", async () => (await import("../snappy.ts")).snappyCodec),
  /*#__PURE__*/ onDemand(3, "lz4", async () => (await import("../lz4.ts")).lz4Codec),
  /*#__PURE__*/ onDemand(4, "zstd", async () => (await import("../zstd.ts")).zstdCodec),
];

function onDemand(id: number, name: CompressionType, load: () => Promise<CompressionCodec>): CompressionCodec {
  const codec = loadOnce(load);
  return {
    id,
    name,
    compress: (input, level) => after(codec(), (loaded) => loaded.compress(input, level)),
    decompress: (input, maxOutputBytes) => after(codec(), (loaded) => loaded.decompress(input, maxOutputBytes)),
  };
}
