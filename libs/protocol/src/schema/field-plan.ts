import { UnsupportedVersionError } from "../errors/protocol-error.ts";
import type { SizedCodec } from "./codec.ts";
import { isDefault } from "./defaults.ts";
import type { FieldSpec } from "./field.ts";

/** What becomes of one field in one version. */
export interface FieldPlan {
  readonly name: string;
  readonly spec: FieldSpec;
  /** Null in versions without the field. */
  readonly codec: SizedCodec | null;
  /** Tag under which the field is written, or -1 when it has a place of its own. */
  readonly tag: number;
}

/** Refuses to lose the value of a field that the version does not have, unless the field is ignorable. */
export function refuseUnlessDefault({ name, spec }: FieldPlan, value: unknown): void {
  if (spec.ignorable === true || isDefault(spec, value)) return;
  throw new UnsupportedVersionError(`the field ${name} is set, but this version does not have it`);
}
