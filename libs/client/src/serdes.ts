/**
 * Turns a key or a value into bytes. A string result stands for its UTF-8 bytes, which are then written straight into
 * the record batch; null is Kafka's null (a tombstone, when it is the value).
 */
export interface Serializer<T> {
  /** The bytes, or the text, of `data`, which goes to `topic`. */
  serialize(data: T, topic: string): Uint8Array | string | null;
}

/** Turns the bytes of a key or a value into what the program works with. `data` is only valid during the call. */
export interface Deserializer<T> {
  /** What the bytes, which came from `topic`, stand for. */
  deserialize(data: Uint8Array | null, topic: string): T;
}

/** Both directions. */
export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

/** What can be sent without a serializer: text (as UTF-8), bytes, or null. */
export type Data = string | Uint8Array | null | undefined;

const decoder = /*#__PURE__*/ new TextDecoder();

/** Text as UTF-8. */
export const stringSerde: Serde<string | null> = {
  serialize: (data) => data,
  deserialize: (data) => (data === null ? null : decoder.decode(data)),
};

/** Bytes as they are. Deserializing copies, so that the result may be kept. */
export const bytesSerde: Serde<Uint8Array | null> = {
  serialize: (data) => data,
  deserialize: (data) => (data === null ? null : data.slice()),
};

/** JSON text. `undefined` and null become Kafka's null. */
export function jsonSerde<T>(): Serde<T | null> {
  return {
    serialize: (data) => (data === null || data === undefined ? null : JSON.stringify(data)),
    deserialize: (data) => (data === null ? null : (JSON.parse(decoder.decode(data)) as T)),
  };
}

/** A double in 8 big-endian bytes, as Kafka's DoubleSerializer. */
export const doubleSerde: Serde<number | null> = /*#__PURE__*/ numberSerde(8, "setFloat64", "getFloat64");

/** A 32-bit integer in 4 big-endian bytes, as Kafka's IntegerSerializer. */
export const integerSerde: Serde<number | null> = /*#__PURE__*/ numberSerde(4, "setInt32", "getInt32");

function numberSerde(
  sizeBytes: number,
  setter: "setFloat64" | "setInt32",
  getter: "getFloat64" | "getInt32",
): Serde<number | null> {
  return {
    serialize(data) {
      if (data === null) return null;
      const bytes = new Uint8Array(sizeBytes);
      new DataView(bytes.buffer)[setter](0, data);
      return bytes;
    },
    deserialize(data) {
      if (data === null) return null;
      if (data.length !== sizeBytes) throw wrongSize(data.length, sizeBytes);
      return new DataView(data.buffer, data.byteOffset, data.byteLength)[getter](0);
    },
  };
}

/** A 64-bit integer in 8 big-endian bytes, as Kafka's LongSerializer. */
export const longSerde: Serde<bigint | null> = {
  serialize(data) {
    if (data === null) return null;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigInt64(0, data);
    return bytes;
  },
  deserialize(data) {
    if (data === null) return null;
    if (data.length !== 8) throw wrongSize(data.length, 8);
    return new DataView(data.buffer, data.byteOffset, data.byteLength).getBigInt64(0);
  },
};

function wrongSize(actualBytes: number, expectedBytes: number): RangeError {
  return new RangeError(`a number of ${expectedBytes} bytes was expected, ${actualBytes} bytes came`);
}
