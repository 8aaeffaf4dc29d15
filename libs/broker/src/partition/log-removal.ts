/** Logs that are removed at a time: enough to keep the disk busy, few enough to leave it to others too. */
const REMOVED_AT_ONCE_MAX = 32;

interface Removal {
  readonly name: string;
  readonly remove: () => Promise<void>;
  readonly ended: () => void;
}

/**
 * Removes the logs of partitions that are not here any more, after the metadata say so: as in Apache Kafka nobody waits
 * for it but who wants a log of the same name. What a crash leaves undone the next start finds, and keeps as a stray log:
 * a stop goes through what is queued, and what comes after that it leaves to the next start as well.
 */
export class LogRemoval {
  readonly #queue: Removal[] = [];
  /** What is queued or under way, by partition; each resolves when it has ended. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #workers = new Set<Promise<void>>();
  #isClosed = false;

  /** Has `remove`, which does not reject, run in its turn. The log's name was not given before, or is {@link gone}. */
  add(name: string, remove: () => Promise<void>): void {
    if (this.#isClosed) return;
    const end = new Promise<void>((ended) => void this.#queue.push({ name, remove, ended }));
    this.#ends.set(name, end);
    if (this.#workers.size === REMOVED_AT_ONCE_MAX) return;
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  /** Resolves when no log of that name is to be removed any more. */
  async gone(name: string): Promise<void> {
    await this.#ends.get(name);
  }

  /** Takes no further one. Resolves when all of them have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await next.remove();
      this.#ends.delete(next.name);
      next.ended();
    }
  }
}
