/** `metadata.version` 4.0-IV3: the records that the metadata log is written with. */
const METADATA_VERSION = 25;

/** Kafka's features that this broker can run at, with their levels. */
export const supportedFeatures: ReadonlyMap<string, { readonly minVersion: number; readonly maxVersion: number }> =
  new Map([["metadata.version", { minVersion: METADATA_VERSION, maxVersion: METADATA_VERSION }]]);
