/**
 * What codecs written by hand are made of. They read and write the plain members of a hot message
 * themselves, and leave what is rare (tagged fields, members that a version lacks) to the
 * declaration, through {@link StructEdge}.
 */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Bytes, ByteWriter } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError } from "../errors/protocol-error.ts";
import { planFields } from "./compile.ts";
import type { StructSpec } from "./field.ts";
import { type FieldPlan, refuseUnlessDefault } from "./field-plan.ts";
import { refuseUnknownTaggedFields, TaggedFields } from "./tagged-fields.ts";

/** The end of a struct in one version: its tagged fields, and the members that the version does not carry. */
export class StructEdge {
  /** Null in versions without tagged fields. */
  private readonly tagged: TaggedFields | null;
  private readonly absent: readonly FieldPlan[];

  constructor(fields: StructSpec, version: number, flexible: boolean) {
    const plans = planFields(fields, version, flexible);
    this.tagged = flexible ? new TaggedFields(plans.filter((plan) => plan.tag >= 0 && plan.codec !== null)) : null;
    this.absent = plans.filter((plan) => plan.codec === null && plan.spec.ignorable !== true);
  }

  /** Reads the tagged fields into `value`, which holds their defaults. */
  read(reader: ByteReader, value: object): void {
    if (this.tagged !== null) this.tagged.read(reader, value);
  }

  /** Writes the tagged fields; throws UnsupportedVersionError where a member that is set would be lost. */
  write(writer: ByteWriter, value: object): void {
    for (const plan of this.absent) refuseUnlessDefault(plan, (value as Record<string, unknown>)[plan.name]);
    if (this.tagged !== null) this.tagged.write(writer, value);
    else refuseUnknownTaggedFields(value);
  }
}

/** A string that is not null. */
export function readString(reader: ByteReader, compact: boolean): string {
  return readNullableString(reader, compact) ?? failNullRead();
}

/** A string or null. */
export function readNullableString(reader: ByteReader, compact: boolean): string | null {
  return compact ? reader.readCompactNullableString() : reader.readNullableString();
}

/** Bytes or null, as a view. */
export function readNullableBytes(reader: ByteReader, compact: boolean): Uint8Array | null {
  return compact ? reader.readCompactNullableBytes() : reader.readNullableBytes();
}

/** Length of an array that is not null; see `ByteReader.readArrayLength`. */
export function readCount(reader: ByteReader, compact: boolean, elementSizeBytesMin: number): number {
  const count = readNullableCount(reader, compact, elementSizeBytesMin);
  return count < 0 ? failNullRead() : count;
}

/** Length of an array, -1 for null; see `ByteReader.readArrayLength`. */
export function readNullableCount(reader: ByteReader, compact: boolean, elementSizeBytesMin: number): number {
  return compact ? reader.readCompactArrayLength(elementSizeBytesMin) : reader.readArrayLength(elementSizeBytesMin);
}

/** An array of 32-bit integers. */
export function readInt32s(reader: ByteReader, compact: boolean): number[] {
  const count = readCount(reader, compact, 4);
  const values: number[] = [];
  for (let index = 0; index < count; index++) values.push(reader.readInt32());
  return values;
}

/** A string that is not null; left out, it is empty. */
export function writeString(writer: ByteWriter, compact: boolean, text: string | null | undefined): void {
  if (text === null) failNullWrite();
  writeNullableString(writer, compact, text ?? "");
}

/** A string or null. */
export function writeNullableString(writer: ByteWriter, compact: boolean, text: string | null): void {
  if (compact) writer.writeCompactNullableString(text);
  else writer.writeNullableString(text);
}

/** Bytes or null. */
export function writeNullableBytes(writer: ByteWriter, compact: boolean, bytes: Bytes | null): void {
  if (compact) writer.writeCompactNullableBytes(bytes);
  else writer.writeNullableBytes(bytes);
}

/** Length of an array, -1 for null. */
export function writeCount(writer: ByteWriter, compact: boolean, count: number): void {
  if (compact) writer.writeCompactLength(count);
  else writer.writeInt32(count);
}

/** An array of 32-bit integers. */
export function writeInt32s(writer: ByteWriter, compact: boolean, values: readonly number[]): void {
  writeCount(writer, compact, values.length);
  for (let index = 0; index < values.length; index++) writer.writeInt32(values[index]!);
}

function failNullRead(): never {
  throw new MalformedFrameError("null where null is not allowed");
}

function failNullWrite(): never {
  throw new InvalidValueError("null where null is not allowed");
}
