import type { Ticket } from "@ottla/coordinator/internal";

/** A ticket whose answer is awaited. */
export class PromiseTicket<Response> implements Ticket<Response> {
  readonly response: Promise<Response>;
  #resolve!: (response: Response) => void;

  constructor() {
    this.response = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  complete(response: Response): void {
    this.#resolve(response);
  }
}
