/** Those who wait for a signal, by signal. */
const listeners = new WeakMap<AbortSignal, AbortListeners>();

/** Everybody who waits for one signal, which gets to see one listener while there are any. */
class AbortListeners {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Set<() => void>();
  readonly #onAbort = () => {
    for (const callback of [...this.#callbacks]) if (this.#callbacks.delete(callback)) callback();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(callback: () => void): void {
    if (this.#callbacks.size === 0) this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#callbacks.add(callback);
  }

  remove(callback: () => void): void {
    if (!this.#callbacks.delete(callback) || this.#callbacks.size > 0) return;
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}

/**
 * Calls `callback` once, when `signal` is aborted; not for a signal that is aborted already. Thousands may wait for one
 * signal at a time: a listener each would have Node.js warn of a leak, and a removal look at all the others.
 *
 * @param callback a function that waits for this signal once at a time
 * @returns ends the waiting; of no effect after the call
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => {};
  let waiting = listeners.get(signal);
  if (waiting === undefined) {
    waiting = new AbortListeners(signal);
    listeners.set(signal, waiting);
  }
  waiting.add(callback);
  return () => waiting.remove(callback);
}

/**
 * For the owner of a signal for which somebody waits with {@link onAbort} again and again: its one listener stays. To add
 * and to remove one takes Node.js longer than all else that such a wait needs.
 */
export function keepListening(signal: AbortSignal): void {
  onAbort(signal, () => {});
}
