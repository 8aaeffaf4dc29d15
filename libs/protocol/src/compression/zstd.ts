import { nativeModules } from "#native";
import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";
import { type CompressionCodec, CompressionError, corruptInput, outputTooLarge } from "./codec.ts";

/** Kafka's default of `compression.zstd.level`. */
const DEFAULT_LEVEL = 3;

const loadPortable = loadOnce(async () => (await import("./zstd-wasm.ts")).loadZstdWasm());

/** Codec 4 over zlib where that has Zstandard (Node.js from 22.15), over WebAssembly, loaded on first use, elsewhere. */
export const zstdCodec: CompressionCodec = createZstdCodec(() => nativeModules.zstd() ?? loadPortable());

/** Starts `load` at the first call; gives its result at once when it is there. A failure is tried again. */
function loadOnce<T>(load: () => Promise<T>): () => T | Promise<T> {
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

/** The Zstandard codec over a chosen compressor, looked up at each use. */
export function createZstdCodec(engine: () => NativeStreamCodec | Promise<NativeStreamCodec>): CompressionCodec {
  return {
    id: 4,
    name: "zstd",
    compress: (input, level = DEFAULT_LEVEL) => after(engine(), (zstd) => zstd.compress(input, level)),
    decompress: (input, maxOutputBytes) => after(engine(), (zstd) => decompressWith(zstd, input, maxOutputBytes)),
  };
}

function after<T, U>(value: T | Promise<T>, use: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}

function decompressWith(
  zstd: NativeStreamCodec,
  input: Uint8Array,
  maxOutputBytes: number,
): Uint8Array | Promise<Uint8Array> {
  try {
    const output = zstd.decompress(input, maxOutputBytes);
    return output instanceof Promise ? output.catch((error) => fail(error, maxOutputBytes)) : output;
  } catch (error) {
    return fail(error, maxOutputBytes);
  }
}

function fail(error: unknown, maxOutputBytes: number): never {
  if (error instanceof CompressionError) throw error;
  if (error instanceof OutputTooLargeError) throw outputTooLarge("zstd", maxOutputBytes);
  throw corruptInput("zstd", "the data is not a whole Zstandard stream", error);
}
