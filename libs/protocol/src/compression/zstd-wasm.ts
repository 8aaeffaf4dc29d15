import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from "./codec.ts";
import { gzipCodec } from "./gzip.ts";
import { ZSTD_WASM_GZIP_BASE64 } from "./zstd-wasm-binary.ts";

/** What the module exports, under the one-letter names that its build gave them. */
interface ZstdExports {
  readonly f: WebAssembly.Memory;
  /** Runs the C constructors. */
  g(): void;
  /** ZSTD_isError */
  h(code: number): number;
  /** ZSTD_compressBound */
  i(sourceBytes: number): number;
  /** ZSTD_createCCtx */
  j(): number;
  /** ZSTD_compress_usingDict */
  l(
    context: number,
    target: number,
    capacity: number,
    source: number,
    sourceBytes: number,
    dictionary: number,
    dictionaryBytes: number,
    level: number,
  ): number;
  /** ZSTD_createDCtx */
  n(): number;
  /** ZSTD_decompress_usingDict */
  q(
    context: number,
    target: number,
    capacity: number,
    source: number,
    sourceBytes: number,
    dictionary: number,
    dictionaryBytes: number,
  ): number;
  /** malloc */
  s(bytes: number): number;
  /** free */
  t(address: number): void;
}

const WASM_PAGE_BYTES = 65_536;

/** The memory of an instance never shrinks: one that has grown past this is not kept. */
const MAX_KEPT_MEMORY_BYTES = 64 * 1024 * 1024;

/** ZSTD_error_dstSize_tooSmall */
const TARGET_TOO_SMALL = 70;

/** An error that zstd reports, as ZSTD_ErrorCode numbers them. */
class ZstdError extends Error {
  readonly zstdCode: number;

  constructor(zstdCode: number) {
    super(`zstd error ${zstdCode}`);
    this.name = "ZstdError";
    this.zstdCode = zstdCode;
  }
}

/** Compiles the embedded module. Takes some ten milliseconds, once. */
export async function loadZstdWasm(): Promise<NativeStreamCodec> {
  const gzipped = Uint8Array.from(atob(ZSTD_WASM_GZIP_BASE64), (char) => char.charCodeAt(0));
  const binary = await gzipCodec.decompress(gzipped, DEFAULT_MAX_DECOMPRESSED_BYTES);
  const module = await WebAssembly.compile(binary as Uint8Array<ArrayBuffer>);
  return createCodec(module);
}

function createCodec(module: WebAssembly.Module): NativeStreamCodec {
  let kept: Zstd | undefined;
  const use = (work: (zstd: Zstd) => Uint8Array): Uint8Array => {
    kept ??= new Zstd(module);
    const zstd = kept;
    try {
      return work(zstd);
    } catch (error) {
      // An error code leaves everything in order; what else may come (a trap) does not.
      if (!(error instanceof ZstdError || error instanceof OutputTooLargeError)) kept = undefined;
      throw error;
    } finally {
      if (zstd.memoryBytes > MAX_KEPT_MEMORY_BYTES) kept = undefined;
    }
  };
  return {
    compress: (input, level) => use((zstd) => zstd.compress(input, level)),
    decompress: (input, maxOutputBytes) => use((zstd) => zstd.decompress(input, maxOutputBytes)),
  };
}

/** One instance of the module with its two contexts. */
class Zstd {
  private readonly exports: ZstdExports;
  private compressContext = 0;
  private decompressContext = 0;

  constructor(module: WebAssembly.Module) {
    const instance = new WebAssembly.Instance(module, { a: this.imports() });
    this.exports = instance.exports as unknown as ZstdExports;
    this.exports.g();
  }

  get memoryBytes(): number {
    return this.exports.f.buffer.byteLength;
  }

  compress(input: Uint8Array, level: number): Uint8Array {
    const zstd = this.exports;
    this.compressContext ||= zstd.j();
    return this.run(input, zstd.i(input.length), (target, capacity, source) =>
      zstd.l(this.compressContext, target, capacity, source, input.length, 0, 0, level),
    );
  }

  /** Allocates `maxOutputBytes`, so they should not be many more than there are. */
  decompress(input: Uint8Array, maxOutputBytes: number): Uint8Array {
    const zstd = this.exports;
    this.decompressContext ||= zstd.n();
    try {
      return this.run(input, maxOutputBytes, (target, capacity, source) =>
        zstd.q(this.decompressContext, target, capacity, source, input.length, 0, 0),
      );
    } catch (error) {
      const tooLarge = error instanceof ZstdError && error.zstdCode === TARGET_TOO_SMALL;
      throw tooLarge ? new OutputTooLargeError(maxOutputBytes) : error;
    }
  }

  private run(
    input: Uint8Array,
    capacity: number,
    work: (target: number, capacity: number, source: number) => number,
  ): Uint8Array {
    const source = this.allocate(input.length);
    const target = this.allocate(capacity);
    try {
      new Uint8Array(this.exports.f.buffer).set(input, source);
      const result = work(target, capacity, source);
      if (this.exports.h(result) !== 0) throw new ZstdError(-result);
      return new Uint8Array(this.exports.f.buffer, target, result >>> 0).slice();
    } finally {
      this.exports.t(target);
      this.exports.t(source);
    }
  }

  private allocate(bytes: number): number {
    const address = this.exports.s(Math.max(1, bytes)) >>> 0;
    if (address === 0) throw new RangeError(`no memory for ${bytes} bytes`);
    return address;
  }

  /** What the module wants of its host, by the letters of its build. */
  private imports(): Record<string, (...args: number[]) => unknown> {
    const abort = (): never => {
      throw new Error("zstd aborted");
    };
    return { a: abort, b: () => {}, c: abort, d: () => 0, e: (bytes = 0) => this.growMemory(bytes >>> 0) };
  }

  /** emscripten_resize_heap: grows by a fifth at least, so that growing step by step stays cheap. */
  private growMemory(requestedBytes: number): number {
    const wanted = Math.max(requestedBytes, this.memoryBytes * 1.2);
    try {
      this.exports.f.grow(Math.ceil((wanted - this.memoryBytes) / WASM_PAGE_BYTES));
      return 1;
    } catch {
      return 0;
    }
  }
}
