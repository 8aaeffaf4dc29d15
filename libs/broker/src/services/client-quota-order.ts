import type { AlteredQuotas, ClientQuotaImage, MetadataImage, QuotaEntity, QuotaEntityParts } from "@ottla/metadata";
import { quotaEntityOf, quotaEntityParts } from "@ottla/metadata";
import { javaHashOrder, javaStringHash } from "../config/java-hash-order.ts";

/** Apache Kafka keeps quotas in hash maps, and tells them in the order of those. */

/** Kafka fills the maps of its image from one of what changed, and makes them to hold what was there before: nothing at first. */
const NOTHING = 0;

function inImageOrder<Item>(items: readonly Item[], hashOf: (item: Item) => number): Item[] {
  return javaHashOrder(javaHashOrder(items, hashOf), hashOf, NOTHING);
}

/** What a quota is for, as Kafka names it. */
export function partsInOrder(entity: QuotaEntity): QuotaEntityParts {
  return javaHashOrder(quotaEntityParts(entity), ({ entityType }) => javaStringHash(entityType), NOTHING);
}

/** All entities with quotas. */
export function entitiesInOrder({ clientQuotas }: MetadataImage): ClientQuotaImage[] {
  return inImageOrder([...clientQuotas.values()], ({ entity }) => entityHash(entity));
}

/** Outcomes of an alteration. */
export function outcomesInOrder(altered: readonly AlteredQuotas[]): AlteredQuotas[] {
  return javaHashOrder(altered, ({ entity }) => entityHash(quotaEntityOf(entity)));
}

/** The quotas of one entity. */
export function valuesInOrder(values: ReadonlyMap<string, number>): { key: string; value: number }[] {
  const pairs = Array.from(values, ([key, value]) => ({ key, value }));
  return inImageOrder(pairs, ({ key }) => javaStringHash(key));
}

/** `hashCode` of a Java object whose one member is a map. */
function entityHash(entity: QuotaEntity): number {
  let hash = 31;
  for (const [type, name] of entity) hash = (hash + (javaStringHash(type) ^ javaStringHash(name ?? ""))) | 0;
  return hash;
}
