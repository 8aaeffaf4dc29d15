import { nativeModules } from "#native";
import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";
import { after, type CompressionCodec, CompressionError, corruptInput, loadOnce, outputTooLarge } from "./codec.ts";
import { concatenate } from "./concatenate.ts";
import { findZstdFrames, type ZstdFrame } from "./zstd-frame.ts";

/** Kafka's default of `compression.zstd.level`. */
const DEFAULT_LEVEL = 3;

/** The WebAssembly engine, loaded at the first call. */
export const loadPortableZstd = loadOnce(async () => (await import("./zstd-wasm.ts")).loadZstdWasm());

/** Codec 4 over zlib where that has Zstandard (Node.js from 22.15), over WebAssembly, loaded on first use, elsewhere. */
export const zstdCodec: CompressionCodec = createZstdCodec(() => nativeModules.zstd() ?? loadPortableZstd());

/** The Zstandard codec over a chosen compressor, looked up at each use. */
export function createZstdCodec(engine: () => NativeStreamCodec | Promise<NativeStreamCodec>): CompressionCodec {
  return {
    id: 4,
    name: "zstd",
    compress: (input, level = DEFAULT_LEVEL) => after(engine(), (zstd) => zstd.compress(input, level)),
    decompress: (input, maxOutputBytes) => after(engine(), (zstd) => decompressWith(zstd, input, maxOutputBytes)),
  };
}

function decompressWith(
  zstd: NativeStreamCodec,
  input: Uint8Array,
  maxOutputBytes: number,
): Uint8Array | Promise<Uint8Array> {
  const frames = findZstdFrames(input);
  const [first] = frames;
  if (first !== undefined && frames.length === 1) return decompressFrame(zstd, input, first, maxOutputBytes);
  return decompressFrames(zstd, input, frames, maxOutputBytes);
}

/** Several frames are legal and hardly ever seen; not every engine goes on after the first. */
async function decompressFrames(
  zstd: NativeStreamCodec,
  input: Uint8Array,
  frames: readonly ZstdFrame[],
  maxOutputBytes: number,
): Promise<Uint8Array> {
  const contents: Uint8Array[] = [];
  let totalBytes = 0;
  for (const frame of frames) {
    const content = await decompressFrame(zstd, input, frame, maxOutputBytes - totalBytes);
    contents.push(content);
    totalBytes += content.length;
  }
  return concatenate(contents, totalBytes);
}

function decompressFrame(
  zstd: NativeStreamCodec,
  input: Uint8Array,
  frame: ZstdFrame,
  maxOutputBytes: number,
): Uint8Array | Promise<Uint8Array> {
  if (frame.isExact && frame.boundBytes > maxOutputBytes) throw outputTooLarge("zstd", maxOutputBytes);
  const capacity = Math.min(frame.boundBytes, maxOutputBytes);
  const fail = (error: unknown): never => {
    const tooLarge = error instanceof OutputTooLargeError && capacity < frame.boundBytes;
    throw tooLarge ? outputTooLarge("zstd", maxOutputBytes) : corruptInput("zstd", "a frame is not sound", error);
  };
  try {
    const output = zstd.decompress(input.subarray(frame.start, frame.end), capacity);
    if (output instanceof Promise) return output.then((content) => checkSize(content, frame), fail);
    return checkSize(output, frame);
  } catch (error) {
    if (error instanceof CompressionError) throw error;
    return fail(error);
  }
}

function checkSize(content: Uint8Array, frame: ZstdFrame): Uint8Array {
  if (!frame.isExact || content.length === frame.boundBytes) return content;
  throw corruptInput("zstd", `the frame says ${frame.boundBytes} bytes and holds ${content.length}`);
}
