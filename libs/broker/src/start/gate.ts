import type { RequestHandler } from "@ottla/transport";

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
      if (this.#isShut) return request.connection.close("the broker is cut off from the cluster");
      if (this.#isOpen || this.#passing.has(request.header.requestApiKey)) return handler(request);
      return opened.then(() => handler(request));
    };
  }

  /** Requests of these APIs are answered from now on, the others once it is open. */
  letPass(apiKeys: Iterable<number>): void {
    this.#passing = new Set(apiKeys);
  }

  /** Whoever asks something loses the connection, and turns to another broker: this one has outdated answers only. */
  set isShut(isShut: boolean) {
    this.#isShut = isShut;
  }

  open(): void {
    this.#isOpen = true;
    this.#open();
  }
}
