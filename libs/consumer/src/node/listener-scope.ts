import { AsyncLocalStorage } from "node:async_hooks";
import type { Scope } from "../group/listener-scope.ts";

/** Knows what a listener calls also after it has awaited something. */
export class ListenerScope implements Scope {
  readonly #storage = new AsyncLocalStorage<{ isOver: boolean }>();

  get isWithin(): boolean {
    return this.#storage.getStore()?.isOver === false;
  }

  async run(work: () => unknown): Promise<void> {
    const call = { isOver: false };
    try {
      await this.#storage.run(call, work);
    } finally {
      call.isOver = true;
      // Before Node.js 24, following calls makes all promises of the process slower.
      this.#storage.disable();
    }
  }
}
