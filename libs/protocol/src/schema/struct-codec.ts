import type { ByteReader } from "../bytes/byte-reader.ts";
import { type Bytes, ByteWriter, bytesSize } from "../bytes/byte-writer.ts";
import { InvalidValueError, UnsupportedVersionError } from "../errors/protocol-error.ts";
import { locateError, type SizedCodec } from "./codec.ts";
import { defaultOf, isDefault } from "./defaults.ts";
import type { FieldSpec, UnknownTaggedField } from "./field.ts";
import { readTaggedFields } from "./tagged-fields.ts";

type StructValue = Record<string, unknown>;

/** What becomes of one field in one version. */
export interface FieldPlan {
  readonly name: string;
  readonly spec: FieldSpec;
  /** Null in versions without the field. */
  readonly codec: SizedCodec | null;
  /** Tag under which the field is written, or -1 when it has a place of its own. */
  readonly tag: number;
}

/** Codec of a struct in one version. */
export class StructCodec implements SizedCodec {
  readonly sizeBytesMin: number;
  private readonly plans: readonly FieldPlan[];
  private readonly defaults: readonly unknown[];
  private readonly tagged: readonly FieldPlan[];
  private readonly flexible: boolean;

  constructor(plans: readonly FieldPlan[], flexible: boolean) {
    this.plans = plans;
    this.defaults = plans.map((plan) => defaultOf(plan.spec));
    this.tagged = plans.filter((plan) => plan.tag >= 0 && plan.codec !== null).sort((a, b) => a.tag - b.tag);
    this.flexible = flexible;
    const sizes = plans.map((plan) => (plan.tag < 0 && plan.codec !== null ? plan.codec.sizeBytesMin : 0));
    this.sizeBytesMin = sizes.reduce((sum, size) => sum + size, flexible ? 1 : 0);
  }

  /** Every field is set, in the order of declaration, so that the objects of all versions have one shape. */
  read(reader: ByteReader): StructValue {
    const { plans, defaults } = this;
    const value: StructValue = {};
    let index = 0;
    try {
      for (; index < plans.length; index++) {
        const { name, codec, tag } = plans[index]!;
        value[name] = codec !== null && tag < 0 ? codec.read(reader) : defaults[index];
      }
    } catch (error) {
      throw locateError(error, plans[index]!.name);
    }
    if (this.flexible) this.readTagged(reader, value);
    return value;
  }

  private readTagged(reader: ByteReader, value: StructValue): void {
    const count = reader.readUnsignedVarint();
    if (count > 0) readTaggedFields(reader, count, this.tagged, value);
  }

  write(writer: ByteWriter, input: unknown): void {
    const value = input as StructValue;
    const { plans } = this;
    let index = 0;
    try {
      for (; index < plans.length; index++) {
        const plan = plans[index]!;
        const member = value[plan.name];
        if (plan.codec === null) refuseUnlessDefault(plan, member);
        else if (plan.tag < 0) plan.codec.write(writer, member === undefined ? this.defaults[index] : member);
      }
    } catch (error) {
      throw locateError(error, plans[index]!.name);
    }
    this.writeTagged(writer, value);
  }

  private writeTagged(writer: ByteWriter, value: StructValue): void {
    const unknown = value.unknownTaggedFields as readonly UnknownTaggedField[] | undefined;
    if (!this.flexible) {
      if (unknown !== undefined && unknown.length > 0) throw new UnsupportedVersionError(NO_TAGS);
      return;
    }
    if (unknown === undefined && this.tagged.every((plan) => isDefault(plan.spec, value[plan.name]))) {
      writer.writeUnsignedVarint(0);
      return;
    }
    this.writeTaggedFields(writer, value, unknown ?? []);
  }

  private writeTaggedFields(writer: ByteWriter, value: StructValue, unknown: readonly UnknownTaggedField[]): void {
    const known = this.tagged.filter((plan) => !isDefault(plan.spec, value[plan.name]));
    const encoded = known.map((plan) => encodeTagged(plan, value[plan.name]));
    const all = mergeByTag(this.tagged, encoded, unknown);
    writer.writeUnsignedVarint(all.length);
    for (const { tag, data } of all) {
      writer.writeUnsignedVarint(tag);
      writer.writeUnsignedVarint(bytesSize(data));
      writer.writeBytes(data);
    }
  }
}

interface EncodedTaggedField {
  readonly tag: number;
  readonly data: Bytes;
}

const NO_TAGS = "unknown tagged fields cannot be written in a version without tagged fields";
const TAGGED_SIZE_BYTES_FIRST = 64;

function refuseUnlessDefault({ name, spec }: FieldPlan, value: unknown): void {
  if (spec.ignorable === true || isDefault(spec, value)) return;
  throw new UnsupportedVersionError(`the field ${name} is set, but this version does not have it`);
}

function encodeTagged({ name, tag, codec }: FieldPlan, value: unknown): EncodedTaggedField {
  const writer = new ByteWriter(TAGGED_SIZE_BYTES_FIRST);
  try {
    codec!.write(writer, value);
  } catch (error) {
    throw locateError(error, name);
  }
  return { tag, data: writer.finish() };
}

/** Tagged fields are written in ascending order of their tags. */
function mergeByTag(
  declared: readonly FieldPlan[],
  known: readonly EncodedTaggedField[],
  unknown: readonly UnknownTaggedField[],
): readonly EncodedTaggedField[] {
  for (const { tag } of unknown) {
    if (declared.some((plan) => plan.tag === tag)) {
      throw new InvalidValueError(`the unknown tagged field ${tag} has the tag of a declared field`);
    }
  }
  return [...known, ...unknown].sort((a, b) => a.tag - b.tag);
}
