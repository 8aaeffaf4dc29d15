import type { NativeStreamCodec } from "../native/contract.ts";
import { OutputTooLargeError } from "../native/output-too-large.ts";
import { concatenate } from "./concatenate.ts";
import { gunzipMembers } from "./gzip-members.ts";

/**
 * gzip over the web's compression streams. They know no levels, and refuse several members in one stream, which the
 * format allows: what they refuse, the slow decoder of our own decides.
 */
export const webGzip: NativeStreamCodec = {
  compress: (input) => pump(new CompressionStream("gzip"), input, Number.POSITIVE_INFINITY),
  async decompress(input, maxOutputBytes) {
    try {
      return await pump(new DecompressionStream("gzip"), input, maxOutputBytes);
    } catch (error) {
      if (error instanceof OutputTooLargeError) throw error;
      return gunzipMembers(input, maxOutputBytes);
    }
  },
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
