import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { MalformedFrameError } from "../../errors/protocol-error.ts";
import type { Message } from "../../schema/message.ts";
import { decodeVersioned, encodeVersioned, type Versioned } from "./versioned.ts";

const KEY_VERSION = 0;

/** A kind of record in a coordinator's log. */
export interface CoordinatorRecordOptions<KeyOut, KeyIn, ValueOut, ValueIn> {
  /** Kafka's number of the kind, the first 16 bits of the key. */
  readonly type: number;
  /** Kafka's name of the kind. */
  readonly name: string;
  readonly key: Message<KeyOut, KeyIn>;
  readonly value: Message<ValueOut, ValueIn>;
}

/** A kind of record in a coordinator's log, with its codecs. A record without a value is a tombstone. */
export interface CoordinatorRecord<KeyOut, KeyIn, ValueOut, ValueIn>
  extends CoordinatorRecordOptions<KeyOut, KeyIn, ValueOut, ValueIn> {
  /** The key with its type in front. */
  encodeKey(key: KeyIn): Uint8Array;
  /** Reads a key whose type is this one. */
  decodeKey(bytes: Uint8Array): KeyOut;
  /** The value with its version in front. */
  encodeValue(value: ValueIn, version: number): Uint8Array;
  /** Reads a value, in the version that it names. */
  decodeValue(bytes: Uint8Array): Versioned<ValueOut>;
}

/** The type of a record, by its key. */
export function coordinatorRecordType(key: Uint8Array): number {
  return new ByteReader(key).readInt16();
}

/** Declares a kind of record. */
/*#__NO_SIDE_EFFECTS__*/
export function coordinatorRecord<KeyOut, KeyIn, ValueOut, ValueIn>(
  options: CoordinatorRecordOptions<KeyOut, KeyIn, ValueOut, ValueIn>,
): CoordinatorRecord<KeyOut, KeyIn, ValueOut, ValueIn> {
  const { type, name, key, value } = options;
  return {
    ...options,
    encodeKey(input) {
      const writer = new ByteWriter();
      writer.writeInt16(type);
      key.encode(writer, input, KEY_VERSION);
      return writer.toUint8Array();
    },
    decodeKey(bytes) {
      const reader = new ByteReader(bytes);
      const found = reader.readInt16();
      if (found !== type) throw new MalformedFrameError(`a key of type ${found} is no key of ${name} (type ${type})`);
      return key.decode(reader, KEY_VERSION);
    },
    encodeValue: (input, version) => encodeVersioned(value, version, input),
    decodeValue: (bytes) => decodeVersioned(value, bytes),
  };
}
