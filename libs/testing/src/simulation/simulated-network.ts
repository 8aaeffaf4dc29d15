import type { OpenServer, ServerOptions, StartServer } from "@ottla/broker";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import type { Random, SimulatedRuntime } from "@ottla/runtime";
import {
  type BrokerAddress,
  type ByteChannel,
  type ConnectOptions,
  type Connector,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
  delay,
  ServerPipeline,
} from "@ottla/transport";
import { type Arrival, type Exchange, type Fate, SimulatedLink } from "./simulated-link.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** What does not get through is sent again, as TCP sends its SYN: after so long, and twice as long each time. */
const SYN_AGAIN_MS = 1_000;

/** One server's open port. */
interface Listening {
  readonly process: SimulatedProcess;
  accept(channel: ByteChannel): void;
}

export interface NetworkOptions {
  readonly world: SimulatedRuntime;
  readonly random: Random;
  /** Decides what becomes of a message; by default it arrives. */
  readonly fateOf?: (exchange: Exchange, direction: "request" | "response") => Fate;
  /** Told of each message as it arrives. */
  readonly onArrived?: (arrival: Arrival) => void;
  /** How long a message is under way. Default: about half a millisecond. */
  readonly latencyMs?: () => number;
}

/**
 * The network between simulated processes: the real pipeline and the real client connections over links that are slow,
 * lose messages, break and fall silent. Its servers and clients are of any kind and number.
 */
export class SimulatedNetwork {
  readonly links = new Set<SimulatedLink>();
  readonly #options: NetworkOptions;
  readonly #listening = new Map<string, Listening>();
  /** By names: who does not get bytes through to whom. */
  readonly #blocked = new Set<string>();
  #nextConnectionId = 1;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** How a server in `process` opens its ports: the host of each of its listeners is its name in the network. */
  serverOf(process: SimulatedProcess): StartServer {
    return async (options) => this.#open(process, options);
  }

  /** How clients in `process` reach servers. */
  connectorOf(process: SimulatedProcess): Connector {
    return { connect: (address, options) => this.#connect(process, address, options) };
  }

  /** The links that begin or end in `process`. */
  *linksOf(process: SimulatedProcess): IterableIterator<SimulatedLink> {
    for (const link of this.links) if (link.client === process || link.server === process) yield link;
  }

  /** From now on nothing that one process sends gets to the other. The other way is another matter. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`);
  }

  unblock(from: string, to: string): void {
    this.#blocked.delete(`${from} ${to}`);
  }

  unblockAll(): void {
    this.#blocked.clear();
  }

  /** Whether bytes get through now. */
  passes(from: SimulatedProcess, to: SimulatedProcess): boolean {
    return !from.isCutOff && !to.isCutOff && !this.#blocked.has(`${from.name} ${to.name}`);
  }

  async #connect(client: SimulatedProcess, { host, port }: BrokerAddress, options: ConnectOptions) {
    const { random } = this.#options;
    const wait = (ms: number) => delay(client.runtime.timers, ms, options.signal);
    await wait(1 + random.nextInt(2) + client.lagMs);
    const endMs = client.runtime.clock.monotonicMs() + options.timeoutMs;
    for (let againMs = SYN_AGAIN_MS; ; againMs *= 2) {
      const listening = this.#listening.get(`${host}:${port}`);
      if (listening === undefined || listening.process.isDead) throw unreachable(`nothing listens at ${host}:${port}`);
      if (this.passes(client, listening.process) && this.passes(listening.process, client))
        return this.#link(client, listening);
      const leftMs = endMs - client.runtime.clock.monotonicMs();
      if (leftMs <= 0) throw unreachable(`${host}:${port} does not answer`);
      await wait(Math.min(leftMs, againMs));
    }
  }

  #link(client: SimulatedProcess, { process: server, accept }: Listening): ByteChannel {
    const [near, nearWire] = createMemoryPair({ names: [client.name, server.name] });
    const [farWire, far] = createMemoryPair({ names: [client.name, server.name] });
    const { world, random, fateOf, onArrived, latencyMs } = this.#options;
    const link = new SimulatedLink(
      { world, client, server, random, latencyMs: latencyMs ?? (() => 0.1 + random.nextFloat()) },
      nearWire,
      farWire,
      {
        fateOf: fateOf ?? (() => "arrives"),
        passes: (from, to) => this.passes(from, to),
        onArrived: onArrived ?? (() => {}),
        onClosed: () => this.links.delete(link),
      },
    );
    this.links.add(link);
    server.wake(() => accept(far));
    return near;
  }

  #open(process: SimulatedProcess, options: ServerOptions): OpenServer {
    const pipelines = new Set<ServerPipeline>();
    for (const { name, host, port } of options.listeners) {
      const accept = (channel: ByteChannel) => {
        const pipeline = new ServerPipeline(channel, {
          id: this.#nextConnectionId++,
          listenerName: name,
          advertised: { host: host!, port },
          handler: options.handler,
          headerVersionOf: requestHeaderVersionOf,
          limits: { ...DEFAULT_PIPELINE_LIMITS, maxRequestBytes: options.limits().maxRequestBytes },
          ordered: true,
          runtime: options.runtime,
          onClose: () => pipelines.delete(pipeline),
        });
        pipelines.add(pipeline);
      };
      this.#listening.set(`${host}:${port}`, { process, accept });
    }
    return {
      listeners: options.listeners.map((listener) => ({ ...listener, host: listener.host!, hosts: [listener.host!] })),
      get connectionCount() {
        return pipelines.size;
      },
      connections: () => pipelines,
      close: async () => {
        for (const { host, port } of options.listeners) this.#listening.delete(`${host}:${port}`);
        for (const pipeline of pipelines) pipeline.drain();
      },
    };
  }
}

function unreachable(message: string): KafkaError {
  return new KafkaError(message, {
    code: "NETWORK_EXCEPTION",
    errno: ErrorCode.NETWORK_EXCEPTION,
    retriable: true,
  });
}
