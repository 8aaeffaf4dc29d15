/** Runs actions one after another, in the order in which they were given. */
export class AsyncMutex {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True while no action runs or waits. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  run<T>(action: () => Promise<T>): Promise<T> {
    this.#pending++;
    const done = () => void this.#pending--;
    const result = this.#last.then(action);
    this.#last = result.then(done, done);
    return result;
  }
}
