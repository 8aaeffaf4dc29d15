import type { RequestHandler, ServerConnection } from "@ottla/transport";

const CUT_OFF = "the broker is cut off from the cluster";

/** Holds requests back until the broker can answer them. */
export class Gate {
  readonly handle: RequestHandler;
  #passing: ReadonlySet<number> = new Set();
  #isOpen = false;
  #open: () => void = () => {};
  #isShut = false;

  constructor(handler: RequestHandler) {
    const opened = new Promise<void>((resolve) => {
      this.#open = resolve;
    });
    this.handle = (request) => {
      if (this.#isShut) return request.connection.reset(CUT_OFF);
      if (this.#isOpen || this.#passing.has(request.header.requestApiKey)) return handler(request);
      return opened.then(() => handler(request));
    };
  }

  /** Requests of these APIs are answered from now on, the others once it is open. */
  letPass(apiKeys: Iterable<number>): void {
    this.#passing = new Set(apiKeys);
  }

  /**
   * Whoever is connected, and asks something later, loses the connection, and turns to another broker: this one has outdated
   * answers only. It breaks, as that of a dead broker does: by one that is closed in order kafkajs stays with a broker to begin with.
   */
  shut(connections: Iterable<ServerConnection>): void {
    this.#isShut = true;
    for (const connection of connections) connection.reset(CUT_OFF);
  }

  /** It sees the cluster again. */
  reopen(): void {
    this.#isShut = false;
  }

  open(): void {
    this.#isOpen = true;
    this.#open();
  }
}
