import { bytesSerde, doubleSerde, integerSerde, longSerde, type Serde } from "../serdes.ts";
import { type StandardSchema, validate } from "./standard-schema.ts";

/**
 * How a key or value of a typed topic is written and read. `In` is what the program gives, `Out` what it gets: they
 * differ where a schema converts.
 */
export interface Format<In, Out = In> {
  /** @throws Error that says what is wrong with the value */
  write(value: In): Uint8Array | string | null;
  /** @throws Error that says what is wrong with the bytes, null for Kafka's null. `data` is only valid during the call */
  read(data: Uint8Array | null): Out;
}

const encoder = /*#__PURE__*/ new TextEncoder();
const decoder = /*#__PURE__*/ new TextDecoder("utf-8", { fatal: true });

/** Text as UTF-8; bytes that are none are not accepted. */
export function string(): Format<string> {
  return {
    write: (value) => requireType(value, "string"),
    read: (data) => decoder.decode(requireBytes(data)),
  };
}

/** Bytes as they are. */
export function bytes(): Format<Uint8Array> {
  return fromSerde(bytesSerde, (value) => {
    if (!((value as unknown) instanceof Uint8Array)) throw new TypeError("bytes are needed");
  });
}

/** A whole number of 32 bits, as Kafka's IntegerSerializer writes it. */
export function integer(): Format<number> {
  return fromSerde(integerSerde, (value) => {
    if (!Number.isInteger(value) || value !== (value | 0)) throw new RangeError(`${value} is no integer of 32 bits`);
  });
}

/** A whole number of 64 bits, as Kafka's LongSerializer writes it. */
export function long(): Format<bigint> {
  return fromSerde(longSerde, (value) => {
    requireType(value, "bigint");
    if (value !== BigInt.asIntN(64, value)) throw new RangeError(`${value} is no integer of 64 bits`);
  });
}

/** A number, as Kafka's DoubleSerializer writes it. */
export function double(): Format<number> {
  return fromSerde(doubleSerde, (value) => void requireType(value, "number"));
}

/**
 * JSON that a schema accepts: any validator of Standard Schema. What is written is the value as it is given, once the
 * schema accepts it; what is read is what the schema makes of it (defaults, conversions).
 */
export function json<In, Out>(schema: StandardSchema<In, Out>): Format<In, Out>;
/** JSON of any kind: nothing is checked. */
export function json<T>(): Format<T>;
export function json<In, Out>(schema?: StandardSchema<In, Out>): Format<In, Out> {
  return {
    write(value) {
      if (schema !== undefined) validate(schema, value);
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`${typeof value} has no JSON`);
      return text;
    },
    read(data) {
      const value: unknown = JSON.parse(decoder.decode(requireBytes(data)));
      return schema === undefined ? (value as Out) : validate(schema, value);
    },
  };
}

/** The same format, which takes Kafka's null too: keys that may be absent, values that may be tombstones. */
export function nullable<In, Out>(format: Format<In, Out>): Format<In | null, Out | null> {
  return {
    write: (value) => (value === null ? null : format.write(value)),
    read: (data) => (data === null ? null : format.read(data)),
  };
}

/** What a serializer and deserializer of one's own write and read. */
export function fromSerde<T>(serde: Serde<T | null>, check: (value: T) => void = () => {}): Format<T> {
  return {
    write(value) {
      if (value === null || value === undefined) throw isNull();
      check(value);
      const data = serde.serialize(value, "");
      return typeof data === "string" ? encoder.encode(data) : data;
    },
    read(data) {
      const value = serde.deserialize(requireBytes(data), "");
      if (value === null) throw isNull();
      return value;
    },
  };
}

function requireBytes(data: Uint8Array | null): Uint8Array {
  if (data === null) throw isNull();
  return data;
}

function requireType<T>(value: T, type: "string" | "number" | "bigint"): T {
  if (typeof value !== type) throw new TypeError(`a ${type} is needed, ${value === null ? "null" : typeof value} came`);
  return value;
}

function isNull(): TypeError {
  return new TypeError("it is null, which only nullable(…) takes");
}
