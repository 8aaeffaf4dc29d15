import type { Runtime } from "@ottla/runtime";
import type { Connector } from "../byte-channel.ts";
import { createTcpConnector, type TcpConnectorOptions } from "./tcp-connector.ts";
import { createNodeWebSocketConnector, type NodeWebSocketConnectorOptions } from "./websocket-connector.ts";

/** Options for both kinds of addresses; `tls` serves TCP with TLS and `wss://` alike. */
export interface NodeConnectorOptions extends NodeWebSocketConnectorOptions, TcpConnectorOptions {}

/** Connects over WebSocket where the address has a URL, over TCP otherwise. */
export function createNodeConnector(
  runtime: Pick<Runtime, "timers" | "random">,
  options: NodeConnectorOptions = {},
): Connector {
  const tcp = createTcpConnector(runtime, options);
  const webSocket = createNodeWebSocketConnector(runtime, options);
  return {
    connect: (address, connectOptions) =>
      (address.url === undefined ? tcp : webSocket).connect(address, connectOptions),
  };
}

/** What `#platform` means under Node.js. */
export function createPlatformConnector(runtime: Runtime): Connector {
  return createNodeConnector(runtime);
}
