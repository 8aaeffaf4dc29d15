import type { Runtime } from "@ottla/runtime";
import type { Connector } from "../byte-channel.ts";
import type { SslOptions } from "../ssl-options.ts";
import { configError } from "../transport-error.ts";
import { createWebSocketConnector } from "../websocket-connector.ts";

/** What a platform brings along. Under Node.js the `node` condition of `#platform` chooses another file. */
export function createPlatformConnector(runtime: Runtime, ssl?: boolean | SslOptions): Connector {
  if (Object.keys(ssl ?? {}).length > 0) {
    throw configError("ssl: here the platform does TLS, by its own certificates. Use a wss:// URL and leave ssl out.");
  }
  return createWebSocketConnector(runtime);
}
