import type { ByteReader, ByteWriter } from "@ottla/protocol";

const encoder = new TextEncoder();

/** ZooKeeper writes buffers and strings as a length of 32 bits, then the bytes; -1 stands for null. */
export function writeBuffer(writer: ByteWriter, bytes: Uint8Array): void {
  writer.writeNullableBytes(bytes);
}

export function writeText(writer: ByteWriter, text: string): void {
  writer.writeNullableBytes(encoder.encode(text));
}

/** A copy: what is read outlives the chunk that it came in. Null reads as empty. */
export function readBuffer(reader: ByteReader): Uint8Array {
  return reader.readNullableBytes()?.slice() ?? new Uint8Array(0);
}

export function readText(reader: ByteReader): string {
  return reader.readText(reader.readInt32()) ?? "";
}

const TEXT_BYTES_MIN = 4;

export function readTexts(reader: ByteReader): string[] {
  const count = reader.readInt32();
  if (count * TEXT_BYTES_MIN > reader.remaining) throw new RangeError(`a list of ${count} strings is cut off`);
  return Array.from({ length: Math.max(count, 0) }, () => readText(reader));
}
