import type { BrokerAddress, CallOptions } from "@ottla/client";
import { type ClusterClient, describe, invalidArgument } from "@ottla/client/internal";
import { apiVersionsApi, describeClusterApi, unregisterBrokerApi } from "@ottla/protocol";
import { requireVersion } from "./unsupported.ts";

/** The cluster and its brokers. */
export interface ClusterDescription {
  /** The id that the cluster was given when it was made. */
  readonly clusterId: string;
  /** Broker id, -1 if unknown. */
  readonly controllerId: number;
  /** The brokers that are registered, in the order of their ids. */
  readonly brokers: readonly BrokerDescription[];
}

/** A broker as `describeCluster` gives it. */
export interface BrokerDescription {
  /** The broker's `node.id`. */
  readonly id: number;
  /** Where this client reaches it. */
  readonly address: BrokerAddress;
  /** The broker's `broker.rack`; null where it names none. */
  readonly rack: string | null;
  /** Whether it is registered but takes no part, as it does not answer the controller. */
  readonly isFenced: boolean;
}

/** What to say of a cluster. */
export interface DescribeClusterOptions extends CallOptions {
  /** Brokers that are registered but take no part too (KIP-1073, Kafka 4.0 and later). Default false. */
  readonly includeFencedBrokers?: boolean;
}

const FIRST_VERSION_WITH_FENCED_BROKERS = 2;

export async function describeCluster(
  client: ClusterClient,
  { includeFencedBrokers = false, ...call }: DescribeClusterOptions,
): Promise<ClusterDescription> {
  const body = (version: number) => {
    if (includeFencedBrokers) {
      requireVersion("includeFencedBrokers", describeClusterApi, version, FIRST_VERSION_WITH_FENCED_BROKERS);
    }
    return { includeClusterAuthorizedOperations: false, includeFencedBrokers };
  };
  const { clusterId, controllerId, brokers } = await client.ask("any", describeClusterApi, body, call);
  return {
    clusterId,
    controllerId,
    brokers: brokers.map(({ brokerId, rack, isFenced, ...where }) => {
      return { id: brokerId, address: client.addressOf(where), rack, isFenced };
    }),
  };
}

export async function unregisterBroker(client: ClusterClient, brokerId: number, call: CallOptions): Promise<void> {
  if (!Number.isSafeInteger(brokerId) || brokerId < 0) {
    throw invalidArgument(`unregisterBroker: the broker is ${describe(brokerId)}; it must be the id of one.`);
  }
  await client.ask("controller", unregisterBrokerApi, { brokerId }, call);
}

/** The features of a cluster (KIP-584), such as `metadata.version`. */
export interface FeaturesDescription {
  /** What the whole cluster has agreed on, by feature. */
  readonly finalized: Readonly<Record<string, { readonly minLevel: number; readonly maxLevel: number }>>;
  /** Grows with each change of what is finalized; -1 if unknown. */
  readonly finalizedEpoch: number;
  /** What the broker that answered could do. */
  readonly supported: Readonly<Record<string, { readonly minLevel: number; readonly maxLevel: number }>>;
}

export async function describeFeatures(client: ClusterClient, options: CallOptions): Promise<FeaturesDescription> {
  const { clientSoftwareName, clientSoftwareVersion } = client.software;
  const request = { clientSoftwareName, clientSoftwareVersion };
  const { finalizedFeatures, finalizedFeaturesEpoch, supportedFeatures } = await client.ask(
    "any",
    apiVersionsApi,
    request,
    options,
  );
  return {
    finalized: Object.fromEntries(
      finalizedFeatures.map((feature) => [
        feature.name,
        { minLevel: feature.minVersionLevel, maxLevel: feature.maxVersionLevel },
      ]),
    ),
    finalizedEpoch: finalizedFeaturesEpoch,
    supported: Object.fromEntries(
      supportedFeatures.map(({ name, minVersion, maxVersion }) => [
        name,
        { minLevel: minVersion, maxLevel: maxVersion },
      ]),
    ),
  };
}
