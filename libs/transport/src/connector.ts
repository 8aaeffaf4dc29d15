import type { Runtime } from "@ottla/runtime";
import { createPlatformConnector } from "#platform";
import type { Connector } from "./byte-channel.ts";

/**
 * The connector that fits the platform: TCP and WebSocket (the `ws` package) under Node.js, chosen by the address;
 * the platform's own WebSocket elsewhere, where a TCP address is refused with INVALID_CONFIG.
 */
export function createDefaultConnector(runtime: Runtime): Connector {
  return createPlatformConnector(runtime);
}
