import { metadataApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import {
  type BrokerAddress,
  BrokerConnection,
  createDefaultConnector,
  createSaslAuthentication,
  parseBootstrap,
} from "@ottla/transport";
import type { Connection } from "../connection.ts";

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
export async function clusterSeenFrom(connection: Connection, timeoutMs: number): Promise<ClusterView> {
  let failure: unknown;
  for (const address of parseBootstrap(connection.bootstrapServers)) {
    try {
      return await askBroker(connection, address, async (broker) => {
        const { clusterId, controllerId, brokers } = await broker.request(metadataApi, { topics: [] }, { timeoutMs });
        return { clusterId, controllerId, brokers: brokers.map((broker) => ({ ...broker, url: broker.url ?? null })) };
      });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Asks one broker on a connection of its own. */
export async function askBroker<T>(
  { clientId, ssl, sasl }: Connection,
  address: BrokerAddress,
  ask: (broker: BrokerConnection) => Promise<T>,
): Promise<T> {
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime, { ssl });
  const authenticate = sasl && createSaslAuthentication(sasl, runtime);
  const broker = await BrokerConnection.open({ connector, address, runtime, clientId, authenticate });
  try {
    return await ask(broker);
  } finally {
    broker.close();
  }
}
