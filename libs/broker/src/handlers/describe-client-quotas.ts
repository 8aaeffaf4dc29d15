import { type ClientQuotaImage, isQuotaEntityType, QuotaEntityType, refuse } from "@ottla/metadata";
import { type DescribeClientQuotasRequest, describeClientQuotasApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { entitiesInOrder, partsInOrder, valuesInOrder } from "../services/client-quota-order.ts";

/** Kafka's numbers for how a component of a filter is matched. */
const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const;

/** DescribeClientQuotas: the quotas of the entities that a filter lets through. */
export const describeClientQuotasHandler = (broker: BrokerServices) =>
  apiHandler(
    describeClientQuotasApi,
    {
      minVersion: 0,
      maxVersion: 1,
      errorResponse: (_, { errno, message }) => ({
        throttleTimeMs: 0,
        errorCode: errno,
        errorMessage: message,
        entries: null,
      }),
    },
    ({ components, strict }) => {
      const filter = new EntityFilter(components, strict);
      const found = entitiesInOrder(broker.image).filter((quotas) => filter.matches(quotas));
      const entries = found.map(({ entity, values }) => ({
        entity: partsInOrder(entity),
        values: valuesInOrder(values),
      }));
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, entries };
    },
  );

/** The entities that have every component, and with `strict` nothing else. */
class EntityFilter {
  readonly #strict: boolean;
  /** By type the name that it must have (null: the default), or undefined for any. */
  readonly #names = new Map<string, string | null | undefined>();

  /** @throws KafkaError INVALID_REQUEST or UNSUPPORTED_VERSION */
  constructor(components: DescribeClientQuotasRequest["components"], strict: boolean) {
    this.#strict = strict;
    for (const component of components) {
      const { entityType } = component;
      if (entityType === "") throw refuse(ErrorCode.INVALID_REQUEST, "Invalid empty entity type.");
      if (this.#names.has(entityType)) {
        const message = `Entity type ${entityType} cannot appear more than once in the filter.`;
        throw refuse(ErrorCode.INVALID_REQUEST, message);
      }
      if (!isQuotaEntityType(entityType)) {
        throw refuse(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
      }
      this.#names.set(entityType, nameToMatch(component));
    }
    if (this.#names.has(QuotaEntityType.IP) && this.#names.size > 1) {
      throw refuse(
        ErrorCode.INVALID_REQUEST,
        "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.",
      );
    }
  }

  matches({ entity }: ClientQuotaImage): boolean {
    if (this.#strict && entity.size !== this.#names.size) return false;
    for (const [type, name] of this.#names) {
      if (!entity.has(type) || (name !== undefined && entity.get(type) !== name)) return false;
    }
    return true;
  }
}

function nameToMatch({ matchType, match }: DescribeClientQuotasRequest["components"][number]) {
  if (matchType === MatchType.EXACT) {
    if (match !== null) return match;
    throw refuse(ErrorCode.INVALID_REQUEST, "Request specified MATCH_TYPE_EXACT, but set match string to null.");
  }
  const isDefault = matchType === MatchType.DEFAULT;
  if (!isDefault && matchType !== MatchType.SPECIFIED) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Unknown match type ${matchType}`);
  }
  if (match !== null) {
    const type = isDefault ? "MATCH_TYPE_DEFAULT" : "MATCH_TYPE_SPECIFIED";
    throw refuse(ErrorCode.INVALID_REQUEST, `Request specified ${type}, but also specified a match string.`);
  }
  return isDefault ? null : undefined;
}
