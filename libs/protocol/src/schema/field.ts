import type { Bytes } from "../bytes/byte-writer.ts";
import type { Uuid } from "../bytes/uuid.ts";

/** Type of a field on the wire. */
export type FieldType =
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "bigint64"
  | "float64"
  | "bool"
  | "string"
  | "uuid"
  | "bytes"
  | "records"
  | "array"
  | "struct";

/** What every field may say about itself, in the words of Kafka's message definitions. */
export interface FieldOptions<T> {
  /** Versions that carry the field; every version of the message by default. */
  readonly versions?: string;
  /** Versions in which the field may be null. */
  readonly nullable?: string;
  /** Makes this a tagged field, which is only written when it does not have its default value. */
  readonly tag?: number;
  /** A value is silently left out in versions without the field, instead of being an error. */
  readonly ignorable?: boolean;
  /** Value when the field is not there; zero, empty or false unless given. */
  readonly default?: T | null;
  /** `"none"` keeps the old encoding of the field in flexible versions too. */
  readonly flexible?: "none";
}

/** The declaration of a field as the codecs see it. */
export interface FieldSpec extends FieldOptions<unknown> {
  readonly type: FieldType;
  /** What an array is made of. */
  readonly element?: FieldSpec;
  /** What a struct is made of. */
  readonly fields?: StructSpec;
}

/** The fields of a struct, in the order of the wire. */
export interface StructSpec {
  readonly [name: string]: FieldSpec;
}

/**
 * A field declaration with its TypeScript types.
 * `Out` is what decoding gives, `In` what encoding takes, `Optional` whether encoding may do without.
 */
export interface Field<Out, In, Optional extends boolean> extends FieldSpec {
  /** Never there at run time: carries the types. */
  readonly $types?: { readonly out: Out; readonly in: In; readonly optional: Optional };
}

/** The fields of a struct with their types. */
export interface Fields {
  readonly [name: string]: Field<unknown, unknown, boolean>;
}

/** A tagged field that the declaration does not know, kept so that it can be written again. */
export interface UnknownTaggedField {
  readonly tag: number;
  readonly data: Uint8Array;
}

/** Part of every decoded or encoded struct. */
export interface TaggedFieldCarrier {
  /** Tagged fields that this version of the library does not know; absent when there are none. */
  readonly unknownTaggedFields?: readonly UnknownTaggedField[] | undefined;
}

type OutOf<F> = F extends Field<infer Out, unknown, boolean> ? Out : never;
type InOf<F> = F extends Field<unknown, infer In, boolean> ? In : never;
type IsOptional<F> = F extends Field<unknown, unknown, infer Optional> ? Optional : never;

/** What decoding a struct gives: every field is there in every version. Not to be changed. */
export type StructOut<F extends Fields> = { readonly [K in keyof F]: OutOf<F[K]> } & TaggedFieldCarrier;

/** What encoding a struct takes: fields that have a default, a tag or a range of versions may be left out. */
export type StructIn<F extends Fields> = {
  [K in keyof F as IsOptional<F[K]> extends true ? never : K]: InOf<F[K]>;
} & {
  [K in keyof F as IsOptional<F[K]> extends true ? K : never]?: InOf<F[K]> | undefined;
} & TaggedFieldCarrier;

type NoOptions = Readonly<Record<never, never>>;
type OrNull<T, O> = O extends { readonly nullable: string } ? T | null : T;
type MayBeLeftOut<O> = O extends
  | { readonly versions: string }
  | { readonly tag: number }
  | { readonly default: unknown }
  ? true
  : false;
type FieldOf<Out, In, O> = Field<OrNull<Out, O>, OrNull<In, O>, MayBeLeftOut<O>>;

/*#__NO_SIDE_EFFECTS__*/
function field<Out, In, O>(type: FieldType, options: O | undefined): FieldOf<Out, In, O> {
  return { type, ...options } as FieldOf<Out, In, O>;
}

/** An 8-bit signed integer. */
/*#__NO_SIDE_EFFECTS__*/
export function int8<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("int8", options);
}

/** A 16-bit signed integer. */
/*#__NO_SIDE_EFFECTS__*/
export function int16<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("int16", options);
}

/** A 16-bit unsigned integer. */
/*#__NO_SIDE_EFFECTS__*/
export function uint16<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("uint16", options);
}

/** A 32-bit signed integer. */
/*#__NO_SIDE_EFFECTS__*/
export function int32<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("int32", options);
}

/** A 32-bit unsigned integer. */
/*#__NO_SIDE_EFFECTS__*/
export function uint32<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("uint32", options);
}

/** A 64-bit signed integer as a number: offsets, timestamps, ids (see `bytes/int64.ts` for its limits). */
/*#__NO_SIDE_EFFECTS__*/
export function int64<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("int64", options);
}

/** A 64-bit signed integer as a bigint: hashes, whose every bit counts. */
/*#__NO_SIDE_EFFECTS__*/
export function bigint64<const O extends FieldOptions<bigint> = NoOptions>(options?: O) {
  return field<bigint, bigint, O>("bigint64", options);
}

/** A double. */
/*#__NO_SIDE_EFFECTS__*/
export function float64<const O extends FieldOptions<number> = NoOptions>(options?: O) {
  return field<number, number, O>("float64", options);
}

/** A boolean. */
/*#__NO_SIDE_EFFECTS__*/
export function bool<const O extends FieldOptions<boolean> = NoOptions>(options?: O) {
  return field<boolean, boolean, O>("bool", options);
}

/** A UTF-8 string. */
/*#__NO_SIDE_EFFECTS__*/
export function string<const O extends FieldOptions<string> = NoOptions>(options?: O) {
  return field<string, string, O>("string", options);
}

/** A UUID in Kafka's text form. */
/*#__NO_SIDE_EFFECTS__*/
export function uuid<const O extends FieldOptions<Uuid> = NoOptions>(options?: O) {
  return field<Uuid, Uuid, O>("uuid", options);
}

/** Bytes; decoded as a view over the frame. */
/*#__NO_SIDE_EFFECTS__*/
export function bytes<const O extends FieldOptions<Uint8Array> = NoOptions>(options?: O) {
  return field<Uint8Array, Bytes, O>("bytes", options);
}

/** Record batches, opaque; decoded as a view over the frame, encoded by reference. */
/*#__NO_SIDE_EFFECTS__*/
export function records<const O extends FieldOptions<Uint8Array> = NoOptions>(options?: O) {
  return field<Uint8Array, Bytes, O>("records", options);
}

/** A struct within another. */
/*#__NO_SIDE_EFFECTS__*/
export function struct<const F extends Fields, const O extends FieldOptions<never> = NoOptions>(
  fields: F,
  options?: O,
) {
  return field<StructOut<F>, StructIn<F>, O & { readonly type?: never }>("struct", { ...options, fields } as never);
}

type ElementOut<E> = E extends Field<infer Out, unknown, boolean> ? Out : E extends Fields ? StructOut<E> : never;
type ElementIn<E> = E extends Field<unknown, infer In, boolean> ? In : E extends Fields ? StructIn<E> : never;

/** An array of a field type, or of structs given by their fields. */
/*#__NO_SIDE_EFFECTS__*/
export function array<
  const E extends Field<unknown, unknown, boolean> | Fields,
  const O extends FieldOptions<readonly never[]> = NoOptions,
>(element: E, options?: O) {
  const spec: FieldSpec = isField(element) ? element : { type: "struct", fields: element as StructSpec };
  return field<readonly ElementOut<E>[], readonly ElementIn<E>[], O>("array", { ...options, element: spec } as never);
}

/** A struct may itself have a field called `type`; that is an object, a field's type is a string. */
function isField(element: FieldSpec | StructSpec): element is FieldSpec {
  return typeof element.type === "string";
}
