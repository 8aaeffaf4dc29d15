import { type BrokerImage, brokerById, type MetadataImage } from "@ottla/metadata";
import type { Runtime } from "@ottla/runtime";
import {
  addressKey,
  type BrokerAddress,
  type Connector,
  type FrameMemory,
  ReconnectingConnection,
} from "@ottla/transport";
import type { BrokerConfig } from "../config/broker-config.ts";
import { interBrokerListenerOf } from "../config/listeners.ts";

export interface BrokerLinksOptions {
  readonly nodeId: number;
  readonly image: () => MetadataImage;
  readonly config: () => BrokerConfig;
  readonly connector: Connector;
  readonly runtime: Runtime;
}

interface Link {
  /** The broker as it was registered when it was asked for last. */
  broker: BrokerImage;
  readonly address: string;
  readonly connection: ReconnectingConnection;
}

/** A broker that is asked again soon is not waited for long: another one may have its place by then. */
const RECONNECT_BACKOFF_MAX_MS = 500;

/**
 * Connections to the other brokers of the cluster, by the endpoint that each has registered for
 * `inter.broker.listener.name` (without that: the first one).
 */
export class BrokerLinks {
  readonly #options: BrokerLinksOptions;
  readonly #links = new Map<string, Link>();
  #closed = false;

  constructor(options: BrokerLinksOptions) {
    this.#options = options;
  }

  /**
   * The connection to a broker for one purpose: what waits on one of them holds up none of the others. Null where the
   * broker is not registered, or has no such endpoint. It is the broker's present address: ask again for every request.
   */
  to(brokerId: number, purpose: string, memory?: FrameMemory): ReconnectingConnection | null {
    const broker = brokerById(this.#options.image(), brokerId);
    const key = `${purpose}:${brokerId}`;
    const link = this.#links.get(key);
    if (link !== undefined && link.broker === broker) return link.connection;
    const address = broker === undefined ? null : this.#addressOf(broker);
    if (broker === undefined || address === null || this.#closed) {
      this.#drop(key, link);
      return null;
    }
    if (link?.address === addressKey(address)) {
      link.broker = broker;
      return link.connection;
    }
    this.#drop(key, link);
    const connection = this.#connect(address, purpose, memory);
    this.#links.set(key, { broker, address: addressKey(address), connection });
    return connection;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map(({ connection }) => connection.close({ timeoutMs: 0 })));
  }

  #connect(address: BrokerAddress, purpose: string, memory: FrameMemory | undefined): ReconnectingConnection {
    const { nodeId, connector, runtime, config } = this.#options;
    return new ReconnectingConnection({
      address,
      connector,
      runtime,
      clientId: `broker-${nodeId}-${purpose}`,
      requestTimeoutMs: config().require("request.timeout.ms"),
      connectionSetupTimeoutMs: config().require("socket.connection.setup.timeout.ms"),
      connectionSetupTimeoutMaxMs: config().require("socket.connection.setup.timeout.max.ms"),
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MAX_MS,
      memory,
    });
  }

  #drop(key: string, link: Link | undefined): void {
    if (link === undefined) return;
    this.#links.delete(key);
    void link.connection.close({ timeoutMs: 0 });
  }

  #addressOf({ endpoints }: BrokerImage): BrokerAddress | null {
    const listener = interBrokerListenerOf(this.#options.config());
    const endpoint = listener === null ? endpoints[0] : endpoints.find(({ name }) => name === listener);
    if (endpoint === undefined) return null;
    const { host, port, url } = endpoint;
    return url === null ? { host, port } : { host, port, url };
  }
}
