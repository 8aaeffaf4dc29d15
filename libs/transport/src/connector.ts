import type { Runtime } from "@ottla/runtime";
import { createPlatformConnector } from "#platform";
import type { Connector } from "./byte-channel.ts";
import type { SslOptions } from "./ssl-options.ts";

/** How the platform's connector speaks to brokers. */
export interface DefaultConnectorOptions {
  /** TLS: `true`, or with options of its own. Default: none over TCP, the platform's for `wss://`. */
  readonly ssl?: boolean | SslOptions;
}

/**
 * The connector that fits the platform: TCP and WebSocket (the `ws` package) under Node.js, chosen by the address;
 * the platform's own WebSocket elsewhere, where a TCP address is refused with INVALID_CONFIG.
 *
 * @throws KafkaError INVALID_CONFIG for TLS options that are none, or that the platform has no use for
 */
export function createDefaultConnector(runtime: Runtime, options: DefaultConnectorOptions = {}): Connector {
  return createPlatformConnector(runtime, options.ssl);
}
