import { isIP } from "node:net";
import type { ClientQuotas, QuotaEntity, QuotaEntityType, QuotaFilter, QuotaKey } from "@ottla/admin";
import type { ConnectionOptions } from "./connection.ts";
import { UsageError } from "./exit.ts";
import { printJson, printRows } from "./table.ts";
import { withAdmin } from "./with-admin.ts";

/** What has quotas, as `--type` names it. */
export const QUOTA_TYPES = ["user", "client", "ip"] as const;
export type QuotaType = (typeof QUOTA_TYPES)[number];

export function isQuotaType(type: string): type is QuotaType {
  return (QUOTA_TYPES as readonly string[]).includes(type);
}

interface QuotaOptions extends ConnectionOptions {
  readonly type: QuotaType;
  readonly clientId?: string;
  readonly json?: boolean;
}

const ENTITY_TYPES: Readonly<Record<QuotaType, QuotaEntityType>> = { user: "user", client: "clientId", ip: "ip" };

/** Kafka's keys, and whether they take whole numbers alone. */
const CLIENT_KEYS: ReadonlyMap<string, boolean> = new Map([
  ["producer_byte_rate", true],
  ["consumer_byte_rate", true],
  ["request_percentage", false],
  ["controller_mutation_rate", false],
]);
const IP_KEYS: ReadonlyMap<string, boolean> = new Map([["connection_creation_rate", true]]);

/** Prints the quotas of what is named, and of all that it is a part of; of everything of the type where nothing is named. */
export async function describeQuotas(
  name: string | undefined,
  options: QuotaOptions & { readonly all?: boolean; readonly doc?: boolean; readonly key?: readonly string[] },
): Promise<void> {
  if (options.all || options.doc) throw new UsageError("--all and --doc are for configs: quotas have no defaults.");
  const keys = options.key;
  for (const key of keys ?? []) checkKey(options.type, key);
  await withAdmin(options, async (admin) => {
    const described = await admin.describeClientQuotas({ filter: filterOf(name, options) });
    const shown = described.map((each) => only(each, keys)).filter(({ quotas }) => Object.keys(quotas).length > 0);
    if (options.json) return printJson(shown);
    const rows = shown.flatMap(({ entity, quotas }) =>
      Object.entries(quotas).map(([key, value]) => ({ entity: textOf(entity), key, value })),
    );
    printRows(rows, { entity: "WHOSE", key: "QUOTA", value: "VALUE" }, { empty: "no quotas are set" });
  });
}

export async function alterQuotas(
  name: string | undefined,
  options: QuotaOptions & {
    readonly set?: Readonly<Record<string, string>>;
    readonly delete?: readonly string[];
    readonly dryRun?: boolean;
  },
): Promise<void> {
  const entity = entityOf(name, options);
  const quotas: { [Key in QuotaKey]?: number | null } = {};
  for (const [key, text] of Object.entries(options.set ?? {})) {
    quotas[checkKey(options.type, key)] = quotaOf(options.type, key, text);
  }
  for (const key of options.delete ?? []) quotas[checkKey(options.type, key)] = null;
  await withAdmin(options, async (admin) => {
    const validateOnly = options.dryRun ?? false;
    await admin.alterClientQuotas([{ entity, quotas }], { validateOnly });
    if (options.json) process.stdout.write(`${JSON.stringify({ entity, quotas, isDryRun: validateOnly })}\n`);
    else process.stdout.write(`${validateOnly ? "would alter" : "altered"} quotas of ${textOf(entity)}\n`);
  });
}

/** Null is whoever has no quota by name. */
function entityOf(name: string | undefined, options: QuotaOptions): QuotaEntity {
  if (name === undefined) {
    throw new UsageError(`Whose quotas? Give the ${WHAT[options.type]}, or "" for all that have none of their own.`);
  }
  const parts = { [ENTITY_TYPES[options.type]]: partOf(options.type, name) };
  return { ...parts, ...clientIdOf(options) };
}

function filterOf(name: string | undefined, options: QuotaOptions): QuotaFilter[] {
  const type = ENTITY_TYPES[options.type];
  const { clientId } = clientIdOf(options);
  return [
    name === undefined ? { type } : { type, name: partOf(options.type, name) },
    ...(clientId === undefined ? [] : [{ type: "clientId" as const, name: clientId }]),
  ];
}

const WHAT: Readonly<Record<QuotaType, string>> = { user: "user", client: "client id", ip: "address" };

function partOf(type: QuotaType, name: string): string | null {
  if (type === "ip" && name !== "" && isIP(name) === 0) {
    throw new UsageError(`"${name}" is no IP address; an address is like 192.0.2.1 or 2001:db8::1.`);
  }
  return name === "" ? null : name;
}

function clientIdOf({ type, clientId }: QuotaOptions): { readonly clientId?: string | null } {
  if (clientId === undefined) return {};
  if (type === "user") return { clientId: partOf("client", clientId) };
  throw new UsageError("--client-id goes with --type user; a client alone is --type client.");
}

function keysOf(type: QuotaType): ReadonlyMap<string, boolean> {
  return type === "ip" ? IP_KEYS : CLIENT_KEYS;
}

function checkKey(type: QuotaType, key: string): QuotaKey {
  const keys = keysOf(type);
  if (keys.has(key)) return key as QuotaKey;
  const known = [...keys.keys()].join(", ");
  throw new UsageError(`"${key}" is no quota of a${type === "ip" ? "n address" : ` ${type}`}; there is ${known}.`);
}

function quotaOf(type: QuotaType, key: string, text: string): number {
  const value = text === "" ? Number.NaN : Number(text);
  const isWhole = keysOf(type).get(key);
  if (Number.isFinite(value) && value > 0 && (!isWhole || Number.isInteger(value))) return value;
  throw new UsageError(
    `"${text}" is no ${key}: it takes a ${isWhole ? "whole number" : "number"} above 0; --delete ${key} removes it.`,
  );
}

function only({ entity, quotas }: ClientQuotas, keys: readonly string[] | undefined): ClientQuotas {
  const entries = Object.entries(quotas)
    .filter(([key]) => keys?.includes(key) ?? true)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { entity, quotas: Object.fromEntries(entries) };
}

function textOf(entity: QuotaEntity): string {
  const parts = (Object.entries(ENTITY_TYPES) as [QuotaType, QuotaEntityType][]).flatMap(([type, part]) => {
    const name = entity[part];
    return name === undefined ? [] : [`${type} ${name ?? "<default>"}`];
  });
  return parts.join(", ");
}
