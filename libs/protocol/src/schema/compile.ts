import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError } from "../errors/protocol-error.ts";
import type { SizedCodec } from "./codec.ts";
import type { FieldSpec, StructSpec } from "./field.ts";
import type { FieldPlan } from "./field-plan.ts";
import { bytesCodec, fixedCodecs, isFixedType, stringCodec } from "./primitive-codecs.ts";
import { StructCodec } from "./struct-codec.ts";
import { includesVersion, parseVersions } from "./versions.ts";

/** Makes the codec of a struct in `version`; `flexible` tells whether that version is a flexible one (KIP-482). */
export function compileStruct(fields: StructSpec, version: number, flexible: boolean): StructCodec {
  return new StructCodec(planFields(fields, version, flexible), flexible);
}

/** What becomes of each field of a struct in `version`. */
export function planFields(fields: StructSpec, version: number, flexible: boolean): readonly FieldPlan[] {
  return Object.entries(fields).map(([name, spec]) => planField(name, spec, version, flexible));
}

function planField(name: string, spec: FieldSpec, version: number, flexible: boolean): FieldPlan {
  const present = within(spec.versions, version, true);
  const codec = present ? compileField(spec, version, flexible && spec.flexible !== "none") : null;
  return { name, spec, codec, tag: spec.tag ?? -1 };
}

function within(versions: string | undefined, version: number, otherwise: boolean): boolean {
  return versions === undefined ? otherwise : includesVersion(parseVersions(versions), version);
}

function compileField(spec: FieldSpec, version: number, flexible: boolean): SizedCodec {
  const { type } = spec;
  if (isFixedType(type)) return fixedCodecs[type];
  const nullable = within(spec.nullable, version, false);
  if (type === "string") return stringCodec(flexible, nullable);
  if (type === "bytes" || type === "records") return bytesCodec(flexible, nullable);
  if (type === "array") return arrayCodec(compileField(spec.element!, version, flexible), flexible, nullable);
  const codec = compileStruct(spec.fields!, version, flexible);
  return nullable ? nullableStructCodec(codec, spec.tag !== undefined) : codec;
}

/**
 * A struct that may be null is preceded by a byte, 1 when the struct follows. For null that byte is -1,
 * but 0 in a tagged field, where Kafka writes a varint instead.
 */
function nullableStructCodec(codec: SizedCodec, tagged: boolean): SizedCodec {
  return {
    sizeBytesMin: 1,
    read(reader) {
      const isNull = tagged ? reader.readUnsignedVarint() === 0 : reader.readInt8() < 0;
      return isNull ? null : codec.read(reader);
    },
    write(writer, value) {
      if (value === null) writer.writeInt8(tagged ? 0 : -1);
      else {
        writer.writeInt8(1);
        codec.write(writer, value);
      }
    },
  };
}

function arrayCodec(element: SizedCodec, compact: boolean, nullable: boolean): SizedCodec {
  // An element of no bytes would let a length of two billion into an empty frame.
  const elementSizeBytesMin = Math.max(1, element.sizeBytesMin);
  const readCount = compact
    ? (reader: ByteReader) => reader.readCompactArrayLength(elementSizeBytesMin)
    : (reader: ByteReader) => reader.readArrayLength(elementSizeBytesMin);
  const writeCount = compact
    ? (writer: ByteWriter, count: number) => writer.writeCompactLength(count)
    : (writer: ByteWriter, count: number) => writer.writeInt32(count);
  return {
    sizeBytesMin: compact ? 1 : 4,
    read(reader) {
      const count = readCount(reader);
      if (count < 0) return nullable ? null : failNullRead();
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) values.push(element.read(reader));
      return values;
    },
    write(writer, value) {
      if (value === null) return nullable ? writeCount(writer, -1) : failNullWrite();
      const values = value as readonly unknown[];
      writeCount(writer, values.length);
      for (let index = 0; index < values.length; index++) element.write(writer, values[index]);
    },
  };
}

function failNullRead(): never {
  throw new MalformedFrameError("null where null is not allowed");
}

function failNullWrite(): never {
  throw new InvalidValueError("null where null is not allowed");
}
