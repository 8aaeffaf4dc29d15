import { AsyncMutex } from "./async-mutex.ts";

/** Runs one action for all who ask for it: each gets a run that begins after it asked, and those who wait share one. */
export class SharedRun {
  readonly #action: () => Promise<void>;
  readonly #running = new AsyncMutex();
  #next: Promise<void> | null = null;

  constructor(action: () => Promise<void>) {
    this.#action = action;
  }

  run(): Promise<void> {
    this.#next ??= this.#running.run(() => {
      this.#next = null;
      return this.#action();
    });
    return this.#next;
  }
}
