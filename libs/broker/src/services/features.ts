import { type BrokerFeature, ELR_VERSION_FEATURE } from "@ottla/metadata";

/** The records that the metadata log is written with. */
const METADATA_VERSION_FEATURE = "metadata.version";
/** 4.0-IV3. */
const METADATA_VERSION = 25;

/** 1: groups of the consumer protocol (KIP-848). */
const GROUP_VERSION_MAX = 1;

/** Which generation of transactions clients use (KIP-890). */
export const TRANSACTION_VERSION_FEATURE = "transaction.version";
const TRANSACTION_VERSION_MAX = 2;

/** 1: replicas that have all that was acknowledged may lead although they are not in sync (KIP-966). */
const ELR_VERSION_MAX = 1;

/** Levels of a feature that a broker can run at. */
export interface SupportedLevels {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Kafka's features that a broker can run at, with their levels. */
export type SupportedFeatures = ReadonlyMap<string, SupportedLevels>;

/** Those of this version. */
export const supportedFeatures: SupportedFeatures = new Map([
  [METADATA_VERSION_FEATURE, { minVersion: METADATA_VERSION, maxVersion: METADATA_VERSION }],
  ["group.version", { minVersion: 0, maxVersion: GROUP_VERSION_MAX }],
  [TRANSACTION_VERSION_FEATURE, { minVersion: 0, maxVersion: TRANSACTION_VERSION_MAX }],
  [ELR_VERSION_FEATURE, { minVersion: 0, maxVersion: ELR_VERSION_MAX }],
]);

/** As a broker registers with them. */
export function registeredFeatures(supported: SupportedFeatures): BrokerFeature[] {
  return [...supported].map(([name, { minVersion, maxVersion }]) => ({
    name,
    minSupportedVersion: minVersion,
    maxSupportedVersion: maxVersion,
  }));
}

/**
 * The levels to finalize when a broker starts, or becomes controller: in a new cluster the highest of all features. Later
 * only an operator raises them, once all brokers can run at more, for none can go back then; what he has set stays, also
 * where that is none. The format of the metadata alone is noted where it is not yet.
 */
export function levelsToFinalize(
  finalized: ReadonlyMap<string, number>,
  supported: SupportedFeatures,
): ReadonlyMap<string, number> {
  const isNew = finalized.size === 0;
  const names = [...supported.keys()].filter(
    (name) => isNew || (name === METADATA_VERSION_FEATURE && !finalized.has(name)),
  );
  return new Map(names.map((name) => [name, supported.get(name)!.maxVersion]));
}
