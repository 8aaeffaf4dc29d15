import type { RequestHandler } from "@ottla/transport";

/** Holds requests back until the broker can answer them. */
export class Gate {
  readonly handle: RequestHandler;
  #handler: RequestHandler | null = null;
  #open: () => void = () => {};

  constructor(handler: RequestHandler) {
    const opened = new Promise<void>((resolve) => {
      this.#open = () => {
        this.#handler = handler;
        resolve();
      };
    });
    this.handle = (request) => (this.#handler === null ? opened.then(() => handler(request)) : this.#handler(request));
  }

  open(): void {
    this.#open();
  }
}
