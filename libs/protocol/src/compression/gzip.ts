import { nativeModules } from "#native";
import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";
import { type CompressionCodec, type CompressionError, corruptInput, outputTooLarge } from "./codec.ts";
import { webGzip } from "./gzip-web.ts";

/** zlib's own default, which is Kafka's (`compression.gzip.level=-1`). */
const DEFAULT_LEVEL = -1;

/** Codec 1 over zlib where the platform has it, over the web's compression streams elsewhere. */
export const gzipCodec: CompressionCodec = createGzipCodec(() => nativeModules.gzip() ?? webGzip);

/** The gzip codec over a chosen compressor, looked up at each use. */
export function createGzipCodec(engine: () => NativeStreamCodec): CompressionCodec {
  return {
    id: 1,
    name: "gzip",
    compress: (input, level = DEFAULT_LEVEL) => engine().compress(input, level),
    decompress(input, maxOutputBytes) {
      try {
        const output = engine().decompress(input, maxOutputBytes);
        return output instanceof Promise ? output.catch((error) => fail(error, maxOutputBytes)) : output;
      } catch (error) {
        return fail(error, maxOutputBytes);
      }
    },
  };
}

function fail(error: unknown, maxOutputBytes: number): never {
  throw asCompressionError(error, maxOutputBytes);
}

function asCompressionError(error: unknown, maxOutputBytes: number): CompressionError {
  if (error instanceof OutputTooLargeError) return outputTooLarge("gzip", maxOutputBytes);
  return corruptInput("gzip", "the data is not a whole gzip stream", error);
}
