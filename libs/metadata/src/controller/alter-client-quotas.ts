import { ErrorCode } from "@ottla/protocol";
import {
  isQuotaEntityType,
  type QuotaEntity,
  type QuotaEntityParts,
  QuotaEntityType,
  QuotaKey,
  quotaEntityKey,
  quotaEntityOf,
  quotaEntityParts,
  quotasOf,
} from "../image/client-quotas.ts";
import type { MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  type ItemOutcome,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import { duplicatesOf } from "./duplicates.ts";

export interface QuotaAlteration {
  readonly entity: QuotaEntityParts;
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[];
}

export interface AlteredQuotas extends ItemOutcome {
  readonly entity: QuotaEntityParts;
}

/** What a quota may be. */
interface QuotaRange {
  readonly isWhole: boolean;
  readonly max: number;
  readonly kafkaType: string;
}

const INT: QuotaRange = { isWhole: true, max: 2 ** 31 - 1, kafkaType: "an INT" };
const LONG: QuotaRange = { isWhole: true, max: 2 ** 63, kafkaType: "a LONG" };
const DOUBLE: QuotaRange = { isWhole: false, max: Number.POSITIVE_INFINITY, kafkaType: "a DOUBLE" };

const CLIENT_KEYS: ReadonlyMap<string, QuotaRange> = new Map([
  [QuotaKey.PRODUCER_BYTE_RATE, LONG],
  [QuotaKey.CONSUMER_BYTE_RATE, LONG],
  [QuotaKey.REQUEST_PERCENTAGE, DOUBLE],
  [QuotaKey.CONTROLLER_MUTATION_RATE, DOUBLE],
]);
const IP_KEYS: ReadonlyMap<string, QuotaRange> = new Map([[QuotaKey.CONNECTION_CREATION_RATE, INT]]);

/**
 * Sets and removes quotas (KIP-546), those of each entity all or none. As in Kafka, an entity that is named twice is answered
 * once, with an error, and the first of the two takes effect.
 */
export function alterClientQuotas(
  { image }: ControllerState,
  alterations: readonly QuotaAlteration[],
  validateOnly: boolean,
): ControllerResult<readonly AlteredQuotas[]> {
  const records: NewMetadataRecord[] = [];
  const outcomes = new Map<string, AlteredQuotas>();
  for (const { entity: parts, ops } of alterations) {
    const entity = quotaEntityOf(parts);
    const key = quotaEntityKey(entity);
    try {
      if (outcomes.has(key)) throw refuse(ErrorCode.INVALID_REQUEST, `Ignoring duplicate entity ${textOf(entity)}`);
      records.push(...quotaRecords(image, entity, ops));
      outcomes.set(key, { ...SUCCESS, entity: quotaEntityParts(entity) });
    } catch (error) {
      outcomes.set(key, { ...outcomeOf(error), entity: quotaEntityParts(entity) });
    }
    checkItemsCount(records.length);
  }
  return { records: validateOnly ? [] : records, response: [...outcomes.values()] };
}

/** What changes for one entity; nothing for what is so already. */
function quotaRecords(image: MetadataImage, entity: QuotaEntity, ops: QuotaAlteration["ops"]): NewMetadataRecord[] {
  const [duplicate] = duplicatesOf(ops.map(({ key }) => key));
  if (duplicate !== undefined) {
    const message = `Duplicate quota key ${duplicate} not updating quota for this entity ${textOf(entity)}`;
    throw refuse(ErrorCode.INVALID_REQUEST, message);
  }
  const keys = keysFor(entity);
  for (const { key, value, remove } of ops) if (!remove) checkValue(keys, key, value);
  const before = quotasOf(image, entity);
  const parts = quotaEntityParts(entity);
  return ops
    .filter(({ key, value, remove }) => (remove ? before.has(key) : before.get(key) !== value))
    .map(({ key, value, remove }) => ({
      type: "ClientQuotaRecord",
      entity: parts,
      key,
      value: remove ? 0 : value,
      remove,
    }));
}

/** The keys that an entity can have. @throws KafkaError INVALID_REQUEST for what is no entity */
function keysFor(entity: QuotaEntity): ReadonlyMap<string, QuotaRange> {
  if (entity.size === 0) throw refuse(ErrorCode.INVALID_REQUEST, "Invalid empty client quota entity");
  for (const [type, name] of entity) {
    if (!isQuotaEntityType(type)) {
      throw refuse(ErrorCode.INVALID_REQUEST, `Unhandled client quota entity type: ${type}`);
    }
    if (name === "") throw refuse(ErrorCode.INVALID_REQUEST, `Empty ${type} not supported`);
  }
  const ip = entity.get(QuotaEntityType.IP);
  if (ip === undefined) return CLIENT_KEYS;
  if (entity.size > 1) {
    throw refuse(
      ErrorCode.INVALID_REQUEST,
      "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
    );
  }
  if (ip !== null && !isIp(ip)) {
    throw refuse(ErrorCode.INVALID_REQUEST, `${ip} is not a valid IP or resolvable host.`);
  }
  return IP_KEYS;
}

/** Hosts are not looked up: a decision of the controller asks nobody. */
function isIp(text: string): boolean {
  const octets = text.split(".");
  if (octets.length === 4) return octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  return text.includes(":") && URL.canParse(`http://[${text}]`);
}

function checkValue(keys: ReadonlyMap<string, QuotaRange>, key: string, value: number): void {
  const range = keys.get(key);
  if (range === undefined) throw refuse(ErrorCode.INVALID_REQUEST, `Invalid configuration key ${key}`);
  if (!(value > 0)) throw refuse(ErrorCode.INVALID_REQUEST, `Quota ${key} must be greater than 0`);
  if (value > range.max) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Proposed value for ${key} is too large for ${range.kafkaType}.`);
  }
  if (range.isWhole && value - Math.floor(value) > FRACTION_MAX) {
    throw refuse(ErrorCode.INVALID_REQUEST, `${key} cannot be a fractional value.`);
  }
}

/** As Kafka: so little over a whole number is one. */
const FRACTION_MAX = 1e-6;

function textOf(entity: QuotaEntity): string {
  return [...entity].map(([type, name]) => `${type}=${name ?? "<default>"}`).join(", ");
}
