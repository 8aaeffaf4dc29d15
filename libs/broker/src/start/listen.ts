import type { RequestFrames, RequestHandler } from "@ottla/transport";
import { serverLimits } from "../config/component-options.ts";
import { interBrokerListenerOf, type ListenerConfig, unadvertisedWildcards } from "../config/listeners.ts";
import type { ClientQuotas } from "../quotas/client-quotas.ts";
import type { MetadataPlane } from "../services/metadata-plane.ts";
import { originsOfBrokers } from "../services/origins-of-brokers.ts";
import type { OpenServer } from "../services/server.ts";
import type { StartContext } from "./start-context.ts";

/** How long requests in flight may take to end at shutdown. */
const DRAIN_GRACE_MS = 5_000;

/** Opens the listeners. */
export async function listen(
  { options, config, listeners, closers }: StartContext,
  handler: RequestHandler,
  { follower }: MetadataPlane,
  quotas: ClientQuotas,
  frameMemory: RequestFrames,
): Promise<OpenServer> {
  const { startServer, runtime, http } = options;
  for (const { name, port } of unadvertisedWildcards(listeners)) {
    runtime.logger.warn(
      `listener ${name} accepts connections on every interface, and clients are told the address that they reach it by; behind port mappings (Docker) set advertised.listeners=${name}://<host that clients can reach>:${port}`,
    );
  }
  const forBrokers = interBrokerListenerOf(config.current) ?? listeners[0]?.name;
  const server = await startServer({
    listeners: listeners.map((listener) => ({
      ...serverListener(listener),
      isPrivileged: listeners.length > 1 && listener.name === forBrokers,
    })),
    handler,
    limits: () => serverLimits(config.current),
    allowedOrigins: () => [...config.current.require("allowed.origins"), ...originsOfBrokers(follower.image)],
    connectionThrottleMs: (ip) => quotas.connecting(ip),
    frameMemory,
    runtime,
    ...(http !== undefined && { http }),
  });
  closers.add(() => server.close({ graceMs: DRAIN_GRACE_MS }));
  return server;
}

function serverListener({ name, host, port, advertised }: ListenerConfig) {
  return {
    name,
    port,
    protocols: ["kafka", "http", "ws"] as const,
    ...(host !== undefined && { host }),
    ...(advertised !== undefined && { advertised }),
  };
}
