import { KafkaError } from "@ottla/client";
import type { ApiDefinition } from "@ottla/protocol";

/** @throws KafkaError UNSUPPORTED_VERSION that names the feature, when the version that both sides speak lacks it */
export function requireVersion(feature: string, api: ApiDefinition, version: number, minVersion: number): void {
  if (version >= minVersion) return;
  throw new KafkaError(
    `${feature} needs version ${minVersion} of ${api.name}; the broker serves no higher one than ${version}.`,
    { code: "UNSUPPORTED_VERSION" },
  );
}
