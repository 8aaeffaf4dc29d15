import type { Runtime } from "@ottla/runtime";
import { formatAddress } from "./address.ts";
import type { BrokerAddress, ByteChannel, ConnectOptions, Connector } from "./byte-channel.ts";
import { DEFAULT_SUBPROTOCOLS } from "./subprotocol.ts";
import { abortError, configError, networkError, timeoutError } from "./transport-error.ts";
import { WebSocketChannel } from "./websocket-channel.ts";

export interface WebSocketConnectorOptions {
  /**
   * The subprotocols to offer, best first: `["kafka.unordered", "kafka"]` by default. An empty list offers none, for
   * a gateway that knows of none.
   */
  readonly subprotocols?: readonly string[];
  /** The WebSocket class; the platform's own by default. */
  readonly WebSocket?: typeof WebSocket;
}

/** Connects over the platform's own WebSocket: browsers, workers, Deno, Node.js 22 and later. */
export function createWebSocketConnector(
  runtime: Pick<Runtime, "timers">,
  options: WebSocketConnectorOptions = {},
): Connector {
  const WebSocketClass = options.WebSocket ?? globalThis.WebSocket;
  const subprotocols = options.subprotocols ?? DEFAULT_SUBPROTOCOLS;
  return {
    async connect(address, connectOptions) {
      const url = requireUrl(address);
      const name = formatAddress(address);
      if (WebSocketClass === undefined) throw configError(`This platform has no WebSocket to reach ${name} with.`);
      return openWebSocket(new WebSocketClass(url, [...subprotocols]), name, runtime, connectOptions);
    },
  };
}

function requireUrl(address: BrokerAddress): string {
  if (address.url !== undefined) return address.url;
  const name = formatAddress(address);
  throw configError(
    `A browser cannot reach ${name} over TCP: use a WebSocket URL such as "ws://${name}/kafka" in bootstrapServers.`,
  );
}

function openWebSocket(
  socket: WebSocket,
  name: string,
  runtime: Pick<Runtime, "timers">,
  { timeoutMs, signal }: ConnectOptions,
): Promise<ByteChannel> {
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    const settle = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      socket.onopen = socket.onclose = socket.onerror = null;
    };
    const fail = (error: Error) => {
      settle();
      socket.close();
      reject(error);
    };
    const onAbort = () => signal && fail(abortError(signal));
    const timer = runtime.timers.schedule(timeoutMs, () => {
      fail(timeoutError(`${name} did not answer within ${timeoutMs} ms (socket.connection.setup.timeout.ms).`));
    });
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) return onAbort();
    socket.onopen = () => {
      settle();
      resolve(new WebSocketChannel(socket, runtime.timers));
    };
    // The platform tells a page nothing about why: a refused connection, origin or certificate all look the same.
    socket.onclose = (event) => {
      fail(networkError(`${name} cannot be reached or refuses this page (close code ${event.code}).`));
    };
  });
}
