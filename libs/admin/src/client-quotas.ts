import type { CallOptions } from "@ottla/client";
import { type ClusterClient, invalidArgument } from "@ottla/client/internal";
import { alterClientQuotasApi, describeClientQuotasApi } from "@ottla/protocol";
import { checkResources } from "./partial-failure.ts";

/** Kafka's names of what a quota can be for. */
const ENTITY_TYPES = { user: "user", clientId: "client-id", ip: "ip" } as const;

/** What a quota can be for. */
export type QuotaEntityType = keyof typeof ENTITY_TYPES;

/**
 * Whom a quota is for: a user, a client id, both together, or an address; null stands for all that have no quota by name.
 *
 * Of several quotas that fit a client the most specific counts: user and client id, then the user alone, then the defaults
 * of users, then the client id, then the default of client ids. Without authentication every client is the user
 * `ANONYMOUS`.
 */
export type QuotaEntity = { readonly [Type in QuotaEntityType]?: string | null };

/** What a quota can bound. */
export type QuotaKey =
  | "producer_byte_rate"
  | "consumer_byte_rate"
  | "request_percentage"
  | "controller_mutation_rate"
  | "connection_creation_rate";

/** Quotas of one entity, by Kafka's keys. */
export interface ClientQuotas {
  /** Whom they are for. */
  readonly entity: QuotaEntity;
  /**
   * `producer_byte_rate` and `consumer_byte_rate` in bytes per second, `request_percentage` in percent of one thread's time,
   * `controller_mutation_rate` in partitions created or deleted per second; of an address `connection_creation_rate` in
   * connections per second. Each broker holds a client to them by itself; `controller_mutation_rate` is the cluster's.
   */
  readonly quotas: Readonly<Record<string, number>>;
}

/** Changes of the quotas of one entity. */
export interface ClientQuotaAlteration {
  /** Whose quotas change. */
  readonly entity: QuotaEntity;
  /** By Kafka's keys: more than 0, or null to remove the quota. What is not named stays. */
  readonly quotas: { readonly [Key in QuotaKey]?: number | null };
}

/** Entities that have a part of this type. */
export interface QuotaFilter {
  /** Of what type the part is. */
  readonly type: QuotaEntityType;
  /** This name; null for the default of the type; left out for any. */
  readonly name?: string | null;
}

/** Which quotas to describe. */
export interface DescribeClientQuotasOptions extends CallOptions {
  /** Entities that fit all of these. Default: all entities. */
  readonly filter?: readonly QuotaFilter[];
  /** Only entities that have nothing but what the filter names. Default false. */
  readonly strict?: boolean;
}

/** How quotas are altered. */
export interface AlterClientQuotasOptions extends CallOptions {
  /** Checks everything and changes nothing. Default false. */
  readonly validateOnly?: boolean;
}

const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const;

export async function describeClientQuotas(
  client: ClusterClient,
  { filter = [], strict = false, ...call }: DescribeClientQuotasOptions,
): Promise<ClientQuotas[]> {
  const request = { components: filter.map(toComponent), strict };
  const { entries } = await client.ask("any", describeClientQuotasApi, request, call);
  return (entries ?? []).map(({ entity, values }) => ({
    entity: toEntity(entity),
    quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }));
}

export async function alterClientQuotas(
  client: ClusterClient,
  alterations: readonly ClientQuotaAlteration[],
  { validateOnly = false, ...call }: AlterClientQuotasOptions,
): Promise<void> {
  const request = { entries: alterations.map(toEntry), validateOnly };
  const { entries } = await client.ask("any", alterClientQuotasApi, request, call);
  checkResources(
    "alterClientQuotas",
    entries.map(({ entity, errorCode, errorMessage }) => ({ resource: nameOf(entity), errorCode, errorMessage })),
  );
}

type Parts = readonly { readonly entityType: string; readonly entityName: string | null }[];

function toComponent({ type, name }: QuotaFilter) {
  const entityType = kafkaTypeOf("describeClientQuotas", type);
  if (name === undefined) return { entityType, matchType: MatchType.SPECIFIED, match: null };
  return { entityType, matchType: name === null ? MatchType.DEFAULT : MatchType.EXACT, match: name };
}

function toEntry({ entity, quotas }: ClientQuotaAlteration) {
  const ops = Object.entries(quotas).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (value !== null && typeof value !== "number") {
      throw invalidArgument(
        `alterClientQuotas takes quotas that are numbers, or null to remove them, and was given ${key} that is a ${typeof value}.`,
      );
    }
    return [{ key, value: value ?? 0, remove: value === null }];
  });
  const parts = Object.entries(entity).flatMap(([type, name]) => {
    if (name === undefined) return [];
    if (name !== null && typeof name !== "string") {
      throw invalidArgument(
        `alterClientQuotas takes entities whose names are strings, or null for the default, and was given a ${type} that is a ${typeof name}.`,
      );
    }
    return [{ entityType: kafkaTypeOf("alterClientQuotas", type), entityName: name }];
  });
  return { entity: parts, ops };
}

function kafkaTypeOf(call: string, type: string): string {
  if (Object.hasOwn(ENTITY_TYPES, type)) return ENTITY_TYPES[type as QuotaEntityType];
  const known = Object.keys(ENTITY_TYPES).join(", ");
  throw invalidArgument(`${call} knows the entity types ${known}, and was given "${type}".`);
}

function toEntity(parts: Parts): QuotaEntity {
  const types = Object.entries(ENTITY_TYPES);
  return Object.fromEntries(
    parts.map(({ entityType, entityName }) => [
      types.find(([, kafkas]) => kafkas === entityType)?.[0] ?? entityType,
      entityName,
    ]),
  );
}

function nameOf(parts: Parts): string {
  return parts.map(({ entityType, entityName }) => `${entityType} ${entityName ?? "<default>"}`).join(", ");
}
