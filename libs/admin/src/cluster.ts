import type { BrokerAddress, CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { describeClusterApi } from "@ottla/protocol";

/** The cluster and its brokers. */
export interface ClusterDescription {
  readonly clusterId: string;
  /** Broker id, -1 if unknown. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerDescription[];
}

export interface BrokerDescription {
  readonly id: number;
  /** Where this client reaches it. */
  readonly address: BrokerAddress;
  readonly rack: string | null;
}

export async function describeCluster(client: ClusterClient, options: CallOptions): Promise<ClusterDescription> {
  const request = { includeClusterAuthorizedOperations: false };
  const { clusterId, controllerId, brokers } = await client.ask("any", describeClusterApi, request, options);
  return {
    clusterId,
    controllerId,
    brokers: brokers.map((broker) => ({ id: broker.brokerId, address: client.addressOf(broker), rack: broker.rack })),
  };
}
