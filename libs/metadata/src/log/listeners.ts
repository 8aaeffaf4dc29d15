/** Callbacks to be told of something that has happened. */
export class Listeners {
  readonly #listeners = new Set<() => void>();

  /** Adds a callback; returns its removal. */
  add(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
