import type { ByteReader } from "../bytes/byte-reader.ts";
import { type Bytes, ByteWriter, bytesSize } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError, UnsupportedVersionError } from "../errors/protocol-error.ts";
import { locateError } from "./codec.ts";
import { defaultOf, isDefault } from "./defaults.ts";
import type { TaggedFieldCarrier, UnknownTaggedField } from "./field.ts";
import type { FieldPlan } from "./field-plan.ts";

/** A tagged field takes a tag and a size, at the least. */
const TAGGED_SIZE_BYTES_MIN = 2;
const WRITER_CAPACITY_BYTES = 64;

type StructValue = Record<string, unknown>;

/** The tagged fields of a struct in one version (KIP-482): those declared, by name, and all others as they are. */
export class TaggedFields {
  private readonly plans: readonly FieldPlan[];
  private readonly defaults: readonly unknown[];

  /** @param plans the struct's tagged fields */
  constructor(plans: readonly FieldPlan[]) {
    this.plans = [...plans].sort((a, b) => a.tag - b.tag);
    this.defaults = this.plans.map((plan) => defaultOf(plan.spec));
  }

  /** Reads the tagged fields into `value`. */
  read(reader: ByteReader, value: object): void {
    const count = reader.readUnsignedVarint();
    if (count > 0) this.readAll(reader, count, value as StructValue);
  }

  private readAll(reader: ByteReader, count: number, value: StructValue): void {
    if (count * TAGGED_SIZE_BYTES_MIN > reader.remaining) {
      throw new MalformedFrameError(`${count} tagged fields cannot fit in the ${reader.remaining} bytes left`);
    }
    const unknown: UnknownTaggedField[] = [];
    for (let index = 0; index < count; index++) {
      const tag = reader.readUnsignedVarint();
      const sizeBytes = reader.readUnsignedVarint();
      const plan = this.plans.find((candidate) => candidate.tag === tag);
      if (plan === undefined) unknown.push({ tag, data: reader.readView(sizeBytes)! });
      else value[plan.name] = readDeclared(reader, sizeBytes, plan);
    }
    if (unknown.length > 0) value.unknownTaggedFields = unknown;
  }

  /** Writes the tagged fields of `value` that do not have their defaults. */
  write(writer: ByteWriter, value: object): void {
    const unknown = (value as TaggedFieldCarrier).unknownTaggedFields;
    if (unknown === undefined && !this.anySet(value as StructValue)) writer.writeUnsignedVarint(0);
    else this.writeAll(writer, value as StructValue, unknown ?? []);
  }

  private anySet(value: StructValue): boolean {
    const { plans, defaults } = this;
    for (let index = 0; index < plans.length; index++) {
      const { name, spec } = plans[index]!;
      const member = value[name];
      // Decoded structs hold the very default, which spares the comparison in depth.
      if (member !== undefined && member !== defaults[index] && !isDefault(spec, member)) return true;
    }
    return false;
  }

  private writeAll(writer: ByteWriter, value: StructValue, unknown: readonly UnknownTaggedField[]): void {
    const all = this.merge(
      this.plans
        .filter((plan) => !isDefault(plan.spec, value[plan.name]))
        .map((plan) => encode(plan, value[plan.name])),
      unknown,
    );
    writer.writeUnsignedVarint(all.length);
    for (const { tag, data } of all) {
      writer.writeUnsignedVarint(tag);
      writer.writeUnsignedVarint(bytesSize(data));
      writer.writeBytes(data);
    }
  }

  /** Tagged fields are written in ascending order of their tags. */
  private merge(
    known: readonly EncodedTaggedField[],
    unknown: readonly UnknownTaggedField[],
  ): readonly EncodedTaggedField[] {
    for (const { tag } of unknown) {
      if (this.plans.some((plan) => plan.tag === tag)) {
        throw new InvalidValueError(`the unknown tagged field ${tag} has the tag of a declared field`);
      }
    }
    return [...known, ...unknown].sort((a, b) => a.tag - b.tag);
  }
}

interface EncodedTaggedField {
  readonly tag: number;
  readonly data: Bytes;
}

/** Refuses to lose tagged fields in a version that cannot carry any. */
export function refuseUnknownTaggedFields(value: object): void {
  const unknown = (value as TaggedFieldCarrier).unknownTaggedFields;
  if (unknown === undefined || unknown.length === 0) return;
  throw new UnsupportedVersionError("unknown tagged fields cannot be written in a version without tagged fields");
}

/** A tagged field ends exactly where its size says. */
function readDeclared(reader: ByteReader, sizeBytes: number, { name, tag, codec }: FieldPlan): unknown {
  const outerEnd = reader.end;
  const start = reader.skip(sizeBytes);
  reader.offset = start;
  reader.end = start + sizeBytes;
  let value: unknown;
  try {
    value = codec!.read(reader);
  } catch (error) {
    throw locateError(error, name);
  }
  if (reader.remaining > 0) {
    throw new MalformedFrameError(`tagged field ${tag} (${name}) is shorter than its size of ${sizeBytes} bytes`);
  }
  reader.end = outerEnd;
  return value;
}

function encode({ name, tag, codec }: FieldPlan, value: unknown): EncodedTaggedField {
  const writer = new ByteWriter(WRITER_CAPACITY_BYTES);
  try {
    codec!.write(writer, value);
  } catch (error) {
    throw locateError(error, name);
  }
  return { tag, data: writer.finish() };
}
