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
const rope = fc.oneof(smallBytes, fc.uint8Array({ minLength: 1000, maxLength: 1100 }));

/** Values of a message in one version: what decoding its encoding gives again, member for member. */
export function arbitraryMessage(message: AnyMessage, version: number): fc.Arbitrary<unknown> {
  return arbitraryStruct(message.fields, version, message.isFlexible(version));
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
      return rope;
    case "array":
      return fc.array(arbitraryValue(spec.element!, version, flexible), { maxLength: ARRAY_LENGTH_MAX });
    case "struct":
      return arbitraryStruct(spec.fields!, version, flexible);
  }
}
