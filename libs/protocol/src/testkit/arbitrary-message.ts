import fc from "fast-check";
import { uuidFromBytes } from "../bytes/uuid.ts";
import { defaultOf } from "../schema/defaults.ts";
import type { FieldSpec, StructSpec } from "../schema/field.ts";
import type { AnyMessage } from "../schema/message.ts";
import { includesVersion, parseVersions } from "../schema/versions.ts";

const ARRAY_LENGTH_MAX = 3;
/** Above every tag that is declared. */
const UNKNOWN_TAG_MIN = 30_000;

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => uuidFromBytes(bytes));
/** Small integers and the bounds are what goes wrong; unpaired surrogates do not survive UTF-8. */
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "grapheme", maxLength: 40 }));
const smallBytes = fc.uint8Array({ maxLength: 40 });
/** Small enough to be copied into the frame, or large enough to be referenced. */
const recordBytes = fc.oneof(
  { arbitrary: smallBytes, weight: 5 },
  { arbitrary: fc.integer({ min: 1000, max: 1100 }).map((size) => new Uint8Array(size).fill(size)), weight: 1 },
);

/** Values of a message in one version: what decoding its encoding gives again, member for member. */
export function arbitraryMessage(message: AnyMessage, version: number): fc.Arbitrary<unknown> {
  return arbitraryStruct(message.fields, version, message.isFlexible(version));
}

/**
 * What a caller may encode as far as the types go: members left out, members set in versions that do not have them,
 * null in versions that do not allow it.
 */
export function arbitraryInput(message: AnyMessage, version: number): fc.Arbitrary<unknown> {
  return arbitraryStructInput(message.fields, version, message.isFlexible(version));
}

function arbitraryStructInput(fields: StructSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  const required: string[] = [];
  for (const [name, spec] of Object.entries(fields)) {
    members[name] = arbitraryMemberInput(spec, version, flexible);
    if (spec.versions === undefined && spec.tag === undefined && spec.default === undefined) required.push(name);
  }
  const plain = fc.record(members, { requiredKeys: required });
  // In a version without tagged fields these are an error, so they must be rare there.
  const tags = fc.oneof(
    { arbitrary: unknownTags, weight: 1 },
    { arbitrary: fc.constant({}), weight: flexible ? 1 : 9 },
  );
  return fc.tuple(plain, tags).map(([value, unknown]) => ({ ...value, ...unknown }));
}

function arbitraryMemberInput(spec: FieldSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const present = within(spec.versions, version, true);
  const value = arbitraryInputValue(spec, version, flexible);
  const mayBeNull = spec.nullable !== undefined;
  return fc.oneof(
    { arbitrary: present ? value : fc.constant(defaultOf(spec)), weight: 30 },
    { arbitrary: value, weight: 1 },
    { arbitrary: mayBeNull ? fc.constant(null) : value, weight: within(spec.nullable, version, false) ? 8 : 1 },
  );
}

function arbitraryInputValue(spec: FieldSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  if (spec.type === "struct") return arbitraryStructInput(spec.fields!, version, flexible);
  if (spec.type !== "array") return arbitraryValue(spec, version, flexible);
  return fc.array(arbitraryInputValue(spec.element!, version, flexible), { maxLength: ARRAY_LENGTH_MAX });
}

function arbitraryStruct(fields: StructSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, spec] of Object.entries(fields)) members[name] = arbitraryField(spec, version, flexible);
  const plain = fc.record(members);
  return flexible ? fc.tuple(plain, unknownTags).map(([value, tags]) => ({ ...value, ...tags })) : plain;
}

const unknownTags = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: UNKNOWN_TAG_MIN, max: 2 ** 31 }), smallBytes), {
      minLength: 1,
      maxLength: 2,
      selector: ([tag]) => tag,
    })
    .map((pairs) => {
      const sorted = pairs.sort(([a], [b]) => a - b);
      return { unknownTaggedFields: sorted.map(([tag, data]) => ({ tag, data })) };
    }),
  { nil: {}, freq: 4 },
);

function within(versions: string | undefined, version: number, otherwise: boolean): boolean {
  return versions === undefined ? otherwise : includesVersion(parseVersions(versions), version);
}

function arbitraryField(spec: FieldSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  if (!within(spec.versions, version, true)) return fc.constant(defaultOf(spec));
  const value = arbitraryValue(spec, version, flexible);
  const choices = [{ arbitrary: value, weight: 6 }];
  // Written as something other than the value itself: left out when tagged.
  if (spec.tag !== undefined) choices.push({ arbitrary: fc.constant(defaultOf(spec)), weight: 4 });
  if (within(spec.nullable, version, false)) choices.push({ arbitrary: fc.constant(null), weight: 2 });
  return fc.oneof(...choices);
}

function arbitraryValue(spec: FieldSpec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (spec.type) {
    case "int8":
      return fc.integer({ min: -128, max: 127 });
    case "int16":
      return fc.integer({ min: -32768, max: 32767 });
    case "uint16":
      return fc.integer({ min: 0, max: 65535 });
    case "int32":
      return fc.integer();
    case "uint32":
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(-1, 2 ** 63, -(2 ** 63), 2 ** 53, 2 ** 62));
    case "bigint64":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "float64":
      return fc.double({ noNaN: true });
    case "bool":
      return fc.boolean();
    case "string":
      return text;
    case "uuid":
      return uuid;
    case "bytes":
      return smallBytes;
    case "records":
      return recordBytes;
    case "array":
      return fc.array(arbitraryValue(spec.element!, version, flexible), { maxLength: ARRAY_LENGTH_MAX });
    case "struct":
      return arbitraryStruct(spec.fields!, version, flexible);
  }
}
