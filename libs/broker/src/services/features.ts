import { ELR_VERSION_FEATURE } from "@ottla/metadata";

/** `metadata.version` 4.0-IV3: the records that the metadata log is written with. */
const METADATA_VERSION = 25;

/** 1: groups of the consumer protocol (KIP-848). */
const GROUP_VERSION_MAX = 1;

/** Which generation of transactions clients use (KIP-890). */
export const TRANSACTION_VERSION_FEATURE = "transaction.version";
const TRANSACTION_VERSION_MAX = 2;

/** 1: replicas that have all that was acknowledged may lead although they are not in sync (KIP-966). */
const ELR_VERSION_MAX = 1;

/** Levels of a feature that this broker can run at. */
interface SupportedLevels {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Kafka's features that this broker can run at, with their levels. */
export const supportedFeatures: ReadonlyMap<string, SupportedLevels> = new Map([
  ["metadata.version", { minVersion: METADATA_VERSION, maxVersion: METADATA_VERSION }],
  ["group.version", { minVersion: 0, maxVersion: GROUP_VERSION_MAX }],
  [TRANSACTION_VERSION_FEATURE, { minVersion: 0, maxVersion: TRANSACTION_VERSION_MAX }],
  [ELR_VERSION_FEATURE, { minVersion: 0, maxVersion: ELR_VERSION_MAX }],
]);

/**
 * The levels to finalize when a broker starts: in a new cluster the highest of all features; later only the format of
 * the metadata, for what an operator has set stays, also where that is none.
 */
export function levelsToFinalize(finalized: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const isNew = finalized.size === 0;
  const names = [...supportedFeatures.keys()].filter((name) => isNew || name === "metadata.version");
  return new Map(names.map((name) => [name, supportedFeatures.get(name)!.maxVersion]));
}
