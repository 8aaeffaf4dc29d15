import { apiVersionsApi } from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import { parseAddress } from "@ottla/transport";
import type { Connection } from "../connection.ts";
import { askBroker, type ClusterView } from "./cluster-view.ts";
import { bad, type Finding, good, warn } from "./findings.ts";

interface Range {
  readonly min: number;
  readonly max: number;
}

/** What one broker says that it and its cluster can do. */
export interface BrokerVersions {
  readonly nodeId: number;
  /** Versions of requests by API key. */
  readonly apis: ReadonlyMap<number, Range>;
  /** Levels of features that it could do; of none before Kafka 2.7. */
  readonly supported: ReadonlyMap<string, Range>;
  /** Levels that are in force in the cluster, as far as this broker has heard. */
  readonly finalized: ReadonlyMap<string, number>;
}

const TIMEOUT_MS = 8_000;
const NAMED_MAX = 3;

/** Asks each broker of its versions; those that do not answer are told of elsewhere. */
export async function versionsOf(connection: Connection, { brokers }: ClusterView): Promise<BrokerVersions[]> {
  const asked = await Promise.allSettled(
    brokers.map(async ({ nodeId, host, port, url }) => {
      const address = url === null ? { host, port } : parseAddress(url);
      const request = { clientSoftwareName: "ottla-doctor", clientSoftwareVersion: "0" };
      const answer = await askBroker(connection, address, (broker) =>
        broker.request(apiVersionsApi, request, { timeoutMs: TIMEOUT_MS }),
      );
      const range = (name: string, min: number, max: number) => [name, { min, max }] as const;
      return {
        nodeId,
        apis: new Map(answer.apiKeys.map(({ apiKey, minVersion: min, maxVersion: max }) => [apiKey, { min, max }])),
        supported: new Map(answer.supportedFeatures.map((each) => range(each.name, each.minVersion, each.maxVersion))),
        finalized: new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
      };
    }),
  );
  return asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** Whether brokers can do what is in force, and are of one release. */
export function versionFindings(brokers: readonly BrokerVersions[]): Finding[] {
  const [first] = brokers;
  if (first === undefined) return [];
  const finalized = brokers.reduce(
    (most, each) => (each.finalized.size > most.size ? each.finalized : most),
    first.finalized,
  );
  const wrong = [...brokers.flatMap((broker) => beyond(broker, finalized)), ...differences(brokers)];
  return [...wrong, inForce(brokers, finalized)];
}

/** Levels that are in force and that a broker cannot do. */
function beyond({ nodeId, supported }: BrokerVersions, finalized: ReadonlyMap<string, number>): Finding[] {
  if (supported.size === 0) return [];
  const advice = "It is of another release than the cluster: give it the one that the other brokers have.";
  return [...finalized].flatMap(([name, level]) => {
    const range = supported.get(name);
    if (level === 0 || (range !== undefined && level >= range.min && level <= range.max)) return [];
    const can = range === undefined ? "does not know it" : `can do ${range.min} to ${range.max}`;
    return [bad(`Feature ${name} is at level ${level}, and broker ${nodeId} ${can}.`, advice)];
  });
}

/** Clients that talk to several brokers have to make do with what the oldest of them can. */
function differences(brokers: readonly BrokerVersions[]): Finding[] {
  const newest = brokers.reduce((best, each) => (sumOfVersions(each) > sumOfVersions(best) ? each : best));
  return brokers.flatMap((broker) => {
    const less = [...newest.apis].filter(([key, { max }]) => (broker.apis.get(key)?.max ?? -1) < max);
    if (less.length === 0) return [];
    const named = less.slice(0, NAMED_MAX).map(([key, { max }]) => {
      const own = broker.apis.get(key);
      return `${apisByKey.get(key)?.name ?? `API ${key}`} ${own === undefined ? "not at all" : `up to ${own.max}`} (${max})`;
    });
    const rest = less.length > NAMED_MAX ? ` and ${less.length - NAMED_MAX} more` : "";
    return [
      warn(
        `Broker ${broker.nodeId} is older than broker ${newest.nodeId}: it serves ${named.join(", ")}${rest}.`,
        "They are of different releases: end the upgrade, one broker after another.",
      ),
    ];
  });
}

function sumOfVersions({ apis }: BrokerVersions): number {
  return [...apis.values()].reduce((sum, { max }) => sum + max + 1, 0);
}

function inForce(brokers: readonly BrokerVersions[], finalized: ReadonlyMap<string, number>): Finding {
  const levels = [...finalized].map(([name, level]) => {
    const possible = Math.min(...brokers.map(({ supported }) => supported.get(name)?.max ?? level));
    return `${name} ${level}${possible > level ? ` (${possible} is possible)` : ""}`;
  });
  return good(levels.length === 0 ? "The brokers tell of no features." : `Features in force: ${levels.join(", ")}.`);
}
