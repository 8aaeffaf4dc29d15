/**
 * Checks every declaration against Apache Kafka's own message definitions, where those are at hand:
 * in the folder that OTTLA_KAFKA_MESSAGES names, or in `shared/kafka-messages` beside the repository.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultOf } from "../schema/defaults.ts";
import type { FieldSpec, StructSpec } from "../schema/field.ts";
import type { AnyMessage } from "../schema/message.ts";
import {
  ALL_VERSIONS,
  formatVersions,
  includesVersion,
  NO_VERSIONS,
  parseVersions,
  type VersionRange,
} from "../schema/versions.ts";
import { allDeclaredMessages } from "../testkit/all-messages.ts";
import { allApis } from "./all.ts";
import { LISTENER_URL_TAG } from "./listener-url.ts";
import { allMetadataRecords } from "./records/all-metadata.ts";
import * as records from "./records/index.ts";

const FOLDER = process.env.OTTLA_KAFKA_MESSAGES ?? resolve(import.meta.dirname, "../../../../../shared/kafka-messages");

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly ignorable?: boolean | string;
  readonly default?: unknown;
  readonly flexibleVersions?: string;
  readonly fields?: readonly KafkaField[];
}

interface KafkaMessage {
  readonly name: string;
  readonly apiKey?: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly KafkaField[] }[];
}

/** One field in a form in which ours and Kafka's compare equal; ranges are cut to those of the parent. */
interface NormalField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullable: string;
  readonly tag: number | null;
  /** Null when the field is never missing, so that the flag has no effect. */
  readonly ignorable: boolean | null;
  readonly default: unknown;
  readonly oldEncoding: boolean;
  readonly fields: readonly NormalField[] | null;
}

function intersect(a: VersionRange, b: VersionRange): VersionRange {
  const range = { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
  return range.min > range.max ? NO_VERSIONS : range;
}

const lowerFirst = (text: string) => text[0]!.toLowerCase() + text.slice(1);

/** Structs that a definition uses by name only, given where they first appear or apart. */
class StructTable {
  private readonly byName = new Map<string, readonly KafkaField[]>();

  constructor(definition: KafkaMessage) {
    for (const { name, fields } of definition.commonStructs ?? []) this.add(name, fields);
    this.addAll(definition.fields);
  }

  private add(name: string, fields: readonly KafkaField[]): void {
    this.byName.set(name, fields);
    this.addAll(fields);
  }

  private addAll(fields: readonly KafkaField[]): void {
    for (const field of fields) if (field.fields !== undefined) this.add(elementType(field.type), field.fields);
  }

  fieldsOf(type: string): readonly KafkaField[] | undefined {
    return this.byName.get(elementType(type));
  }
}

const elementType = (type: string) => type.replace("[]", "");

function theirs(field: KafkaField, parent: VersionRange, structs: StructTable): NormalField {
  const declared = parseVersions(field.versions ?? field.taggedVersions ?? "none");
  const versions = intersect(declared, parent);
  const members = structs.fieldsOf(field.type);
  const isArray = field.type.startsWith("[]");
  const fields = members?.map((member) => theirs(member, versions, structs)) ?? null;
  const kind = fields === null ? elementType(field.type) : "struct";
  if (field.taggedVersions !== undefined)
    expect(intersect(parseVersions(field.taggedVersions), parent)).toEqual(versions);
  return {
    name: lowerFirst(field.name),
    type: isArray ? `[]${kind}` : kind,
    versions: formatVersions(versions),
    nullable: formatVersions(intersect(parseVersions(field.nullableVersions ?? "none"), versions)),
    tag: field.tag ?? null,
    ignorable: versions.min === parent.min && versions.max === parent.max ? null : String(field.ignorable) === "true",
    default: theirDefault(field, isArray, kind, fields),
    oldEncoding: field.flexibleVersions === "none",
    fields,
  };
}

function theirDefault(
  field: KafkaField,
  isArray: boolean,
  kind: string,
  fields: readonly NormalField[] | null,
): unknown {
  // Kafka's generator takes the string "null" for null, and JSON's null for no default at all.
  const text = field.default === undefined || field.default === null ? undefined : String(field.default);
  if (text === "null") return null;
  if (isArray) return [];
  if (fields !== null) return Object.fromEntries(fields.map((member) => [member.name, member.default]));
  switch (kind) {
    case "string":
      return text ?? "";
    case "bool":
      return text === "true";
    case "bytes":
    case "records":
      return new Uint8Array(0);
    case "uuid":
      return "AAAAAAAAAAAAAAAAAAAAAA";
    default:
      return Number(text ?? "0");
  }
}

function ours(name: string, spec: FieldSpec, parent: VersionRange): NormalField {
  const versions = intersect(spec.versions === undefined ? ALL_VERSIONS : parseVersions(spec.versions), parent);
  const element = spec.type === "array" ? spec.element! : spec;
  const kind = element.type === "bigint64" ? "int64" : element.type;
  const fallback = defaultOf(spec);
  return {
    name,
    type: spec.type === "array" ? `[]${kind}` : kind,
    versions: formatVersions(versions),
    nullable: formatVersions(intersect(parseVersions(spec.nullable ?? "none"), versions)),
    tag: spec.tag ?? null,
    ignorable: versions.min === parent.min && versions.max === parent.max ? null : spec.ignorable === true,
    default: typeof fallback === "bigint" ? Number(fallback) : fallback,
    oldEncoding: spec.flexible === "none",
    fields: element.fields === undefined ? null : ourFields(element.fields, versions),
  };
}

/** Our own extension is not in Kafka's definitions. */
function ourFields(fields: StructSpec, parent: VersionRange): NormalField[] {
  return Object.entries(fields)
    .filter(([, spec]) => spec.tag !== LISTENER_URL_TAG)
    .map(([name, spec]) => ours(name, spec, parent));
}

function readDefinitions(): Map<string, KafkaMessage> {
  const found = new Map<string, KafkaMessage>();
  for (const folder of readdirSync(FOLDER, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of readdirSync(join(FOLDER, folder.name))) {
      const text = readFileSync(join(FOLDER, folder.name, file), "utf8").replace(/^\s*\/\/.*$/gm, "");
      // One definition has a block comment of its own and nothing to do with ours.
      if (text.includes("/***")) continue;
      const definition = JSON.parse(text) as KafkaMessage;
      found.set(definition.name, definition);
    }
  }
  return found;
}

const definitions = existsSync(FOLDER) ? readDefinitions() : undefined;

describe.skipIf(definitions === undefined)("declarations agree with Apache Kafka's definitions", () => {
  const definitionOf = (name: string): KafkaMessage => {
    const definition = definitions!.get(name);
    if (definition === undefined) throw new Error(`Apache Kafka has no message ${name}`);
    return definition;
  };

  test.each(allDeclaredMessages.map((message) => [message.name, message] as const))(
    "%s",
    (name, message: AnyMessage) => {
      const definition = definitionOf(name);
      const valid = parseVersions(definition.validVersions);
      const structs = new StructTable(definition);
      expect(formatVersions(message.validVersions)).toBe(definition.validVersions);
      const flexible = parseVersions(definition.flexibleVersions ?? "none");
      for (let version = valid.min; version <= valid.max; version++) {
        expect(message.isFlexible(version)).toBe(includesVersion(flexible, version));
      }
      expect(ourFields(message.fields, valid)).toEqual(definition.fields.map((field) => theirs(field, valid, structs)));
    },
  );

  test.each(allApis.map((api) => [api.name, api] as const))("key of %s", (name, api) => {
    expect(api.key).toBe(definitionOf(`${name}Request`).apiKey);
    expect(api.key).toBe(definitionOf(`${name}Response`).apiKey);
    expect(api.request.name).toBe(`${name}Request`);
    expect(api.response.name).toBe(`${name}Response`);
    expect(api.response.validVersions).toEqual(api.request.validVersions);
  });

  test.each(allMetadataRecords.map((record) => [record.message.name, record] as const))(
    "type of %s",
    (name, record) => {
      expect(record.type).toBe(definitionOf(name).apiKey);
    },
  );

  const coordinatorRecords = Object.values(records).filter(
    (value) => typeof value === "object" && "encodeKey" in value,
  );
  test.each(coordinatorRecords.map((record) => [record.name, record] as const))("type of %s", (name, record) => {
    expect(record.type).toBe(definitionOf(`${name}Key`).apiKey);
    expect(record.type).toBe(definitionOf(`${name}Value`).apiKey);
  });

  test("every record of groups, transactions and cluster metadata is declared", () => {
    const declared = new Set(allDeclaredMessages.map((message) => message.name));
    const missing = [...definitions!.keys()].filter((name) => RECORD_NAMES.test(name) && !declared.has(name));
    expect(missing).toEqual([]);
  });
});

/** Share groups, streams groups and tiered storage are not declared. */
const RECORD_NAMES = /^(?!Share|Streams|Remote).*(Key|Value|Record)$/;
