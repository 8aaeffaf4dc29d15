import type { ServerConnection } from "../../server/contract.ts";
import { Connections } from "./connections.ts";
import { Listener } from "./listener.ts";
import { createContext, type ListenerOptions, type StartServerOptions } from "./options.ts";

/** How long `close` waits for what is in flight, unless told otherwise. */
const DEFAULT_GRACE_MS = 5_000;

/** A listener as it runs: `port` is the real one also where 0 was asked for. */
export interface RunningListener extends ListenerOptions {
  /** The first address that is bound. */
  readonly host: string;
  readonly port: number;
  /** Every address that is bound. */
  readonly hosts: readonly string[];
}

export interface RunningServer {
  readonly listeners: readonly RunningListener[];
  /** Connections that are open, of every kind. */
  readonly connectionCount: number;
  /** The connections that speak Kafka, as of now. */
  connections(): Iterable<ServerConnection>;
  /**
   * Accepts nothing more, answers what is in flight, closes. What is not answered within `graceMs` (5 s by default) is
   * cut off.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Opens the listeners: on each port Kafka over TCP, HTTP and WebSocket, as its `protocols` say, told apart by the first
 * bytes of a connection.
 * @throws ListenError when an address cannot be bound; no listener stays open then.
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const context = createContext(options);
  const connections = new Connections(context);
  const listeners = options.listeners.map((listener) => new Listener(listener, context, connections));
  const stopAll = () => Promise.all(listeners.map((listener) => listener.stop()));
  const running: RunningListener[] = [];
  try {
    for (const listener of listeners) running.push(describe(listener, await listener.open()));
  } catch (error) {
    await stopAll();
    throw error;
  }
  return {
    listeners: running,
    get connectionCount() {
      return connections.count;
    },
    connections: () => connections.serving(),
    async close({ graceMs = DEFAULT_GRACE_MS } = {}) {
      await Promise.all([stopAll(), connections.drain(graceMs)]);
    },
  };
}

function describe(
  listener: Listener,
  bound: readonly { readonly host: string; readonly port: number }[],
): RunningListener {
  const { host, port } = bound[0]!;
  return { ...listener.options, host, port, hosts: bound.map((address) => address.host) };
}
