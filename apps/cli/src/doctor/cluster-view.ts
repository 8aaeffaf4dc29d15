import { metadataApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseBootstrap } from "@ottla/transport";

/** What a broker says of its cluster, as a client hears it before it connects to anyone else. */
export interface ClusterView {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
    readonly url: string | null;
  }[];
}

/** Asks the first bootstrap server that answers, on the connection to it: no client would get this far with a wrong address. */
export async function clusterSeenFrom(bootstrap: string, timeoutMs: number): Promise<ClusterView> {
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime);
  let failure: unknown;
  for (const address of parseBootstrap(bootstrap)) {
    try {
      const connection = await BrokerConnection.open({ connector, address, runtime, clientId: "ottla-doctor" });
      try {
        const { clusterId, controllerId, brokers } = await connection.request(
          metadataApi,
          { topics: [] },
          { timeoutMs },
        );
        return { clusterId, controllerId, brokers: brokers.map((broker) => ({ ...broker, url: broker.url ?? null })) };
      } finally {
        connection.close();
      }
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
