import { createSystemRuntime, type Runtime } from "@ottla/runtime";
import type { ListenerOptions, StartServerOptions } from "../node/server/options.ts";
import { type RunningServer, startServer } from "../node/server/start-server.ts";
import type { InboundRequest } from "../server/contract.ts";
import { answerApiVersions, recordingLogger } from "./support.ts";

export interface TestServer {
  readonly server: RunningServer;
  readonly port: number;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** Requests that reached the handler. */
  readonly requests: InboundRequest[];
  /** Lines at info and above. */
  lines(): { level: string; message: string; fields: Readonly<Record<string, unknown>> }[];
}

export interface TestServers {
  start(
    options?: Partial<Omit<StartServerOptions, "runtime" | "listeners">> & {
      readonly listener?: Partial<ListenerOptions>;
      readonly runtime?: Runtime;
    },
  ): Promise<TestServer>;
  closeAll(): Promise<void>;
}

/** Servers on free loopback ports, that answer ApiVersions unless told otherwise. */
export function testServers(): TestServers {
  const running: RunningServer[] = [];
  return {
    async start({ listener, runtime = createSystemRuntime(), ...options } = {}) {
      const logger = recordingLogger();
      const requests: InboundRequest[] = [];
      const handler = options.handler ?? answerApiVersions;
      const server = await startServer({
        listeners: [{ name: "PLAINTEXT", port: 0, protocols: ["kafka", "http", "ws"], ...listener }],
        http: ({ path }) => ({ status: 200, body: `you asked for ${path}` }),
        ...options,
        handler: (request) => {
          requests.push(request);
          return handler(request);
        },
        runtime: { ...runtime, clock: runtime.clock, timers: runtime.timers, random: runtime.random, logger },
      });
      running.push(server);
      const lines = () => logger.lines.filter(({ level }) => level !== "debug");
      return { server, port: server.listeners[0]!.port, logger, requests, lines };
    },
    async closeAll() {
      await Promise.all(running.splice(0).map((server) => server.close({ graceMs: 0 })));
    },
  };
}
