import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";

/** gzip over the web's `CompressionStream`, which has no levels. */
export const webGzip: NativeStreamCodec = {
  compress: (input) => pump(new CompressionStream("gzip"), input, Number.POSITIVE_INFINITY),
  decompress: (input, maxOutputBytes) => pump(new DecompressionStream("gzip"), input, maxOutputBytes),
};

async function pump(
  stream: CompressionStream | DecompressionStream,
  input: Uint8Array,
  maxOutputBytes: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // Failures surface on the readable side, which is awaited; these would be reported a second time.
  writer.write(input as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  return collect(stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>, maxOutputBytes);
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>, maxOutputBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatenate(chunks, totalBytes);
    totalBytes += value.length;
    if (totalBytes > maxOutputBytes) {
      await reader.cancel();
      throw new OutputTooLargeError(maxOutputBytes);
    }
    chunks.push(value);
  }
}

function concatenate(chunks: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const first = chunks[0];
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(totalBytes);
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}
