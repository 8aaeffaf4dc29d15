import { createRequire } from "node:module";
import { constants, gunzip, gunzipSync, gzip, gzipSync } from "node:zlib";
import type { NativeCrc32c, NativeModules, NativeStreamCodec } from "./contract.ts";
import { OutputTooLargeError } from "./output-too-large.ts";

const require = createRequire(import.meta.url);

/** `OTTLA_NATIVE=off` runs everything on the portable paths: for tests and for telling a native fault from ours. */
const accelerated = process.env.OTTLA_NATIVE !== "off";

/** Above this many input bytes the work goes to zlib's thread pool; below it the hand-over would cost more. */
const ZLIB_SYNC_MAX_BYTES = 64 * 1024;

function optional<T>(packageName: string): T | null {
  try {
    return require(packageName) as T;
  } catch {
    return null;
  }
}

function once<T>(load: () => T | null): () => T | null {
  let loaded: T | null | undefined;
  return () => {
    if (loaded === undefined) loaded = accelerated ? load() : null;
    return loaded;
  };
}

function asOutputTooLarge(error: unknown, maxOutputBytes: number): unknown {
  const tooLarge = error instanceof RangeError && (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
  return tooLarge ? new OutputTooLargeError(maxOutputBytes) : error;
}

const gzipCodec: NativeStreamCodec = {
  compress(input, level) {
    const options = { level };
    if (input.length <= ZLIB_SYNC_MAX_BYTES) return gzipSync(input, options);
    return new Promise((resolve, reject) => {
      gzip(input, options, (error, output) => (error ? reject(error) : resolve(output)));
    });
  },
  decompress(input, maxOutputBytes) {
    const options = { maxOutputLength: Math.max(1, maxOutputBytes), finishFlush: constants.Z_FINISH };
    if (input.length <= ZLIB_SYNC_MAX_BYTES) {
      try {
        return gunzipSync(input, options);
      } catch (error) {
        throw asOutputTooLarge(error, maxOutputBytes);
      }
    }
    return new Promise((resolve, reject) => {
      gunzip(input, options, (error, output) => {
        if (error) reject(asOutputTooLarge(error, maxOutputBytes));
        else resolve(output);
      });
    });
  },
};

export const nativeModules: NativeModules = {
  crc32c: once<NativeCrc32c>(() => optional<{ crc32c: NativeCrc32c }>("@node-rs/crc32")?.crc32c ?? null),
  snappy: () => null,
  lz4: () => null,
  gzip: once(() => gzipCodec),
  zstd: () => null,
};
