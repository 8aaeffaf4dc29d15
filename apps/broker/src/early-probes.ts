import { createSystemRuntime, silentLogger } from "@ottla/runtime";
import type { HttpHandler } from "@ottla/transport";
import type { RunningServer } from "@ottla/transport/node";
import { openPorts } from "./open-ports.ts";

/** Most starts are over by then, and need nobody who answers for them. */
const OPENED_AFTER_MS = 1000;

/**
 * Answers HTTP on a port until the broker listens there itself, which it does only when its logs are open and ZooKeeper
 * has answered. Whoever speaks Kafka or WebSocket is not let in, and turns to another broker.
 */
export class EarlyProbes {
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #server: Promise<RunningServer | null> | null = null;

  constructor(
    { name, host, port }: { readonly name: string; readonly host?: string | undefined; readonly port: number },
    http: HttpHandler,
    openedAfterMs = OPENED_AFTER_MS,
  ) {
    // Nobody knows a port that the system will choose.
    if (port === 0) return;
    const listener = { name, port, protocols: ["http"] as const, ...(host !== undefined && { host }) };
    this.#timer = setTimeout(() => {
      const runtime = createSystemRuntime({ logger: silentLogger });
      const handler = () => {};
      // A port that is in use is what the broker itself will say.
      this.#server = openPorts({ listeners: [listener], handler, http, runtime }).catch(() => null);
    }, openedAfterMs);
  }

  /** The port is free again then. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await (await this.#server)?.close({ graceMs: 0 });
    this.#server = null;
  }
}
