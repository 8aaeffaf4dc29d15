import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { locateError, type SizedCodec } from "./codec.ts";
import { defaultOf } from "./defaults.ts";
import { type FieldPlan, refuseUnlessDefault } from "./field-plan.ts";
import { refuseUnknownTaggedFields, TaggedFields } from "./tagged-fields.ts";

type StructValue = Record<string, unknown>;

/** Codec of a struct in one version. */
export class StructCodec implements SizedCodec {
  readonly sizeBytesMin: number;
  private readonly plans: readonly FieldPlan[];
  private readonly defaults: readonly unknown[];
  /** Null in versions without tagged fields. */
  private readonly tagged: TaggedFields | null;

  constructor(plans: readonly FieldPlan[], flexible: boolean) {
    this.plans = plans;
    this.defaults = plans.map((plan) => defaultOf(plan.spec));
    this.tagged = flexible ? new TaggedFields(plans.filter(isTagged)) : null;
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
    this.tagged?.read(reader, value);
    return value;
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
    if (this.tagged === null) refuseUnknownTaggedFields(value);
    else this.tagged.write(writer, value);
  }
}

function isTagged({ tag, codec }: FieldPlan): boolean {
  return tag >= 0 && codec !== null;
}
