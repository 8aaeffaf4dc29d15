import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import type { Message } from "../../schema/message.ts";

/** A message with the version in which it was written. */
export interface Versioned<T> {
  readonly version: number;
  readonly value: T;
}

/** `value` with its version as a 16-bit integer in front: the form of records, snapshots and consumer protocol data. */
export function encodeVersioned<Out, In>(message: Message<Out, In>, version: number, value: In): Uint8Array {
  const writer = new ByteWriter();
  writer.writeInt16(version);
  message.encode(writer, value, version);
  return writer.toUint8Array();
}

/**
 * Reads what {@link encodeVersioned} wrote.
 * @throws UnsupportedVersionError when the version is not one of `message`
 */
export function decodeVersioned<Out, In>(message: Message<Out, In>, bytes: Uint8Array): Versioned<Out> {
  const reader = new ByteReader(bytes);
  const version = reader.readInt16();
  return { version, value: message.decode(reader, version) };
}
