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
  sync: SyncZlib,
  async: AsyncZlib,
): Uint8Array | Promise<Uint8Array> {
  const fail = (error: unknown): never => {
    const tooLarge = (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
    throw tooLarge ? new OutputTooLargeError(maxOutputBytes) : error;
  };
  // zlib takes no limit below 1.
  try {
    const options = { maxOutputLength: Math.max(1, maxOutputBytes), chunkSize: chunkSizeFor(input) };
    const output = runZlib(input, options, sync, async);
    return output instanceof Promise ? output.catch(fail) : output;
  } catch (error) {
    return fail(error);
  }
}

/** zlib allocates its output in chunks of one size: a few times the input, so that most results take one. */
function chunkSizeFor(input: Uint8Array): number {
  return Math.min(Math.max(4 * input.length, 1024), 256 * 1024);
}

const gzipCodec: NativeStreamCodec = {
  compress: (input, level) => runZlib(input, { level }, zlib.gzipSync, zlib.gzip),
  decompress: (input, maxOutputBytes) => decompressBounded(input, maxOutputBytes, zlib.gunzipSync, zlib.gunzip),
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
      decompressBounded(input, maxOutputBytes, zstd.zstdDecompressSync, zstd.zstdDecompress),
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
