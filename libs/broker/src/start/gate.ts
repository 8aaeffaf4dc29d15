import type { RequestHandler } from "@ottla/transport";

/** Holds requests back until the broker can answer them. */
export class Gate {
  readonly handle: RequestHandler;
  #handler: RequestHandler | null = null;
  #open: () => void = () => {};
  #isShut = false;

  constructor(handler: RequestHandler) {
    const opened = new Promise<void>((resolve) => {
      this.#open = () => {
        this.#handler = handler;
        resolve();
      };
    });
    this.handle = (request) => {
      if (this.#isShut) return request.connection.close("the broker is cut off from the cluster");
      return this.#handler === null ? opened.then(() => handler(request)) : this.#handler(request);
    };
  }

  /** Whoever asks something loses the connection, and turns to another broker: this one has outdated answers only. */
  set isShut(isShut: boolean) {
    this.#isShut = isShut;
  }

  open(): void {
    this.#open();
  }
}
