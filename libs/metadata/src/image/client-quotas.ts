import type { MetadataImage } from "./metadata-image.ts";

/** Kafka's names of what a quota can be for. */
export const QuotaEntityType = { USER: "user", CLIENT_ID: "client-id", IP: "ip" } as const;

const ENTITY_TYPES = new Set<string>(Object.values(QuotaEntityType));

/** Whether it is one of Kafka's names of what a quota can be for. */
export function isQuotaEntityType(type: string): boolean {
  return ENTITY_TYPES.has(type);
}

/** Kafka's names of what a quota can bound. */
export const QuotaKey = {
  PRODUCER_BYTE_RATE: "producer_byte_rate",
  CONSUMER_BYTE_RATE: "consumer_byte_rate",
  REQUEST_PERCENTAGE: "request_percentage",
  CONTROLLER_MUTATION_RATE: "controller_mutation_rate",
  CONNECTION_CREATION_RATE: "connection_creation_rate",
} as const;

/** Whom a quota is for: names by type, null for whoever has no quota by name. */
export type QuotaEntity = ReadonlyMap<string, string | null>;

/** The same as requests and records have it. */
export type QuotaEntityParts = readonly { readonly entityType: string; readonly entityName: string | null }[];

/** The quotas of one entity; at least one. */
export interface ClientQuotaImage {
  readonly entity: QuotaEntity;
  readonly values: ReadonlyMap<string, number>;
}

/** A type that is named twice counts as it was named last. */
export function quotaEntityOf(parts: QuotaEntityParts): QuotaEntity {
  return new Map(parts.map(({ entityType, entityName }) => [entityType, entityName]));
}

export function quotaEntityParts(entity: QuotaEntity): QuotaEntityParts {
  return [...entity].map(([entityType, entityName]) => ({ entityType, entityName }));
}

/** How the quotas of an entity are found in {@link MetadataImage.clientQuotas}, in whatever order its parts were named. */
export function quotaEntityKey(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const NO_QUOTAS: ReadonlyMap<string, number> = new Map();

/** What is set for an entity; empty where nothing is. */
export function quotasOf(image: MetadataImage, entity: QuotaEntity): ReadonlyMap<string, number> {
  return image.clientQuotas.get(quotaEntityKey(entity))?.values ?? NO_QUOTAS;
}
