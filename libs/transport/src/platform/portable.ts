import type { Runtime } from "@ottla/runtime";
import type { Connector } from "../byte-channel.ts";
import { createWebSocketConnector } from "../websocket-connector.ts";

/** What a platform brings along. Under Node.js the `node` condition of `#platform` chooses another file. */
export function createPlatformConnector(runtime: Runtime): Connector {
  return createWebSocketConnector(runtime);
}
