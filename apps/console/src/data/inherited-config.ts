import type { ConfigEntry } from "@ottla/admin";

/** What holds for a config where nobody sets it on the topic, and who says so. */
export interface InheritedValue {
  readonly value: string | null;
  readonly source: ConfigEntry["source"];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The first that is set counts. Kafka names none of them as synonyms of the topic's key, which is in milliseconds. */
const IN_OTHER_UNITS: Readonly<Record<string, readonly (readonly [key: string, unitMs: number])[]>> = {
  "retention.ms": [
    ["log.retention.ms", 1],
    ["log.retention.minutes", MINUTE_MS],
    ["log.retention.hours", HOUR_MS],
  ],
  "segment.ms": [
    ["log.roll.ms", 1],
    ["log.roll.hours", HOUR_MS],
  ],
  "segment.jitter.ms": [
    ["log.roll.jitter.ms", 1],
    ["log.roll.jitter.hours", HOUR_MS],
  ],
};

/** Keys of a broker that have to be looked up to tell what these entries would inherit. */
export function keysToLookUp(entries: readonly ConfigEntry[]): string[] {
  return entries
    .filter((entry) => isSetHere(entry) && synonymOf(entry) === undefined)
    .flatMap(({ key }) => (IN_OTHER_UNITS[key] ?? []).map(([brokerKey]) => brokerKey));
}

/**
 * What an entry would be if the topic did not say; null where it does not say, and nobody else overrides the default.
 * @param brokers a broker's entries, at least those of {@link keysToLookUp}
 */
export function inheritedBy(entry: ConfigEntry, brokers: readonly ConfigEntry[]): InheritedValue | null {
  if (entry.isSensitive || entry.source === "default") return null;
  if (!isSetHere(entry)) return entry.synonyms.find(({ source }) => source === "default") ?? null;
  return synonymOf(entry) ?? inOtherUnits(entry.key, brokers);
}

function isSetHere({ source }: ConfigEntry): boolean {
  return source === "topic";
}

function synonymOf({ synonyms }: ConfigEntry): InheritedValue | undefined {
  return synonyms.find(({ source }) => source !== "topic");
}

function inOtherUnits(key: string, brokers: readonly ConfigEntry[]): InheritedValue | null {
  for (const [brokerKey, unitMs] of IN_OTHER_UNITS[key] ?? []) {
    const found = brokers.find((entry) => entry.key === brokerKey);
    if (found !== undefined && found.value !== null && found.value !== "") {
      return { value: String(Number(found.value) * unitMs), source: found.source };
    }
  }
  return null;
}
