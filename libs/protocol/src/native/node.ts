import { createRequire } from "node:module";
import * as zlib from "node:zlib";
import type { NativeCrc32c, NativeLz4, NativeModules, NativeSnappy, NativeStreamCodec } from "./contract.ts";
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

type SyncZlib = (input: Uint8Array, options: object) => Uint8Array;
type AsyncZlib = (input: Uint8Array, options: object, done: (error: Error | null, output: Uint8Array) => void) => void;

/** Runs one of zlib's functions: at once for small inputs, in its thread pool for others. */
function runZlib(
  input: Uint8Array,
  options: object,
  sync: SyncZlib,
  async: AsyncZlib,
): Uint8Array | Promise<Uint8Array> {
  if (input.length <= ZLIB_SYNC_MAX_BYTES) return sync(input, options);
  return new Promise((resolve, reject) => {
    async(input, options, (error, output) => (error ? reject(error) : resolve(output)));
  });
}

function decompressBounded(
  input: Uint8Array,
  maxOutputBytes: number,
  chunkSize: number,
  sync: SyncZlib,
  async: AsyncZlib,
): Uint8Array | Promise<Uint8Array> {
  const fail = (error: unknown): never => {
    const tooLarge = (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
    throw tooLarge ? new OutputTooLargeError(maxOutputBytes) : error;
  };
  // zlib takes no limit below 1.
  try {
    const options = { maxOutputLength: Math.max(1, maxOutputBytes), chunkSize };
    const output = runZlib(input, options, sync, async);
    return output instanceof Promise ? output.catch(fail) : output;
  } catch (error) {
    return fail(error);
  }
}

const MIN_CHUNK_BYTES = 1024;
const MAX_CHUNK_BYTES = 1024 * 1024;

/**
 * zlib allocates its output in chunks of one size; when a chunk is full it takes another to find out that it was the
 * last. So one chunk, a byte larger than the output, is best: gzip's last four bytes say how large that is (of the last
 * member, modulo 2^32: a hint).
 */
function gzipChunkSize(input: Uint8Array): number {
  const end = input.length;
  if (end < 4) return MIN_CHUNK_BYTES;
  const hint = input[end - 4]! | (input[end - 3]! << 8) | (input[end - 2]! << 16) | (input[end - 1]! << 24);
  return chunkSizeFor(hint + 1, input);
}

/** A wrong hint costs no more than a chunk that is a good deal too large. */
function chunkSizeFor(hint: number, input: Uint8Array): number {
  const plausible = hint > 0 && hint <= 64 * input.length ? hint : 4 * input.length;
  return Math.min(Math.max(plausible, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES);
}

const gzipCodec: NativeStreamCodec = {
  compress: (input, level) => runZlib(input, { level }, zlib.gzipSync, zlib.gzip),
  decompress: (input, maxOutputBytes) =>
    decompressBounded(input, maxOutputBytes, gzipChunkSize(input), zlib.gunzipSync, zlib.gunzip),
};

/** What zlib has from Node.js 22.15 on; the types are those of the oldest version that is supported. */
interface ZlibWithZstd {
  readonly zstdCompressSync: SyncZlib;
  readonly zstdCompress: AsyncZlib;
  readonly zstdDecompressSync: SyncZlib;
  readonly zstdDecompress: AsyncZlib;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

function loadZstd(): NativeStreamCodec | null {
  if (!("zstdCompressSync" in zlib)) return null;
  const zstd = zlib as unknown as ZlibWithZstd;
  return {
    compress(input, level) {
      const params = { [zstd.constants.ZSTD_c_compressionLevel]: level };
      const options = { params, pledgedSrcSize: input.length };
      return runZlib(input, options, zstd.zstdCompressSync, zstd.zstdCompress);
    },
    decompress: (input, maxOutputBytes) =>
      // The limit that comes here is the frame's own size, where the frame tells it.
      decompressBounded(
        input,
        maxOutputBytes,
        chunkSizeFor(maxOutputBytes + 1, input),
        zstd.zstdDecompressSync,
        zstd.zstdDecompress,
      ),
  };
}

interface SnappyModule {
  compressSync(input: Uint8Array, options: { copyOutputData: boolean }): Uint8Array;
  uncompressSync(input: Uint8Array, options: { copyOutputData: boolean }): Uint8Array;
}

function loadSnappy(): NativeSnappy | null {
  const snappy = optional<SnappyModule>("snappy");
  if (snappy === null) return null;
  // Without it the result is memory of the add-on, which the garbage collector is slow to give back.
  const options = { copyOutputData: true };
  return {
    compressBlock: (input) => snappy.compressSync(input, options),
    decompressBlock: (input) => snappy.uncompressSync(input, options),
  };
}

interface Lz4Module {
  compressSync(input: Uint8Array): Uint8Array;
  uncompressSync(input: Uint8Array): Uint8Array;
}

function loadLz4(): NativeLz4 | null {
  const lz4 = optional<Lz4Module>("lz4-napi");
  if (lz4 === null) return null;
  return {
    compressBlock: (input) => lz4.compressSync(input),
    decompressBlock: (sizePrefixedInput) => lz4.uncompressSync(sizePrefixedInput),
  };
}

export const nativeModules: NativeModules = {
  crc32c: once<NativeCrc32c>(() => optional<{ crc32c: NativeCrc32c }>("@node-rs/crc32")?.crc32c ?? null),
  snappy: once(loadSnappy),
  lz4: once(loadLz4),
  gzip: once(() => gzipCodec),
  zstd: once(loadZstd),
};
