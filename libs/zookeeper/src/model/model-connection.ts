import type { Runtime } from "@ottla/runtime";
import { ZooKeeperError } from "../errors.ts";

export interface ModelConnectionOptions {
  readonly runtime: Runtime;
  readonly latencyMs: () => number;
}

/**
 * A client's connection with one server: requests and answers go along it in order, each after a while. When it breaks,
 * whatever is under way fails with an unknown outcome, and what has not arrived may or may not do so yet.
 */
export class ModelConnection {
  readonly #options: ModelConnectionOptions;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #waiting = new Set<(error: ZooKeeperError) => void>();
  #isOpen = true;
  #losesRequests = false;

  constructor(options: ModelConnectionOptions) {
    this.#options = options;
    this.#up = new Direction(options);
    this.#down = new Direction(options);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Has the server do something, and brings back what came of it. `onDone` is called when that arrives. */
  request<T>(serve: () => T, onDone: () => void = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const answer = (settle: () => void) => {
        this.tell(() => {
          this.#waiting.delete(reject);
          settle();
        });
      };
      this.#up.carry(() => {
        if (!this.#isOpen && this.#losesRequests) return;
        try {
          const result = serve();
          answer(() => {
            onDone();
            resolve(result);
          });
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  /** Brings something to the client, behind what is on the way there. */
  tell(arrive: () => void): void {
    if (!this.#isOpen) return;
    this.#down.carry(() => {
      if (this.#isOpen) arrive();
    });
  }

  break(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#losesRequests = this.#options.runtime.random.nextInt(2) === 0;
    for (const reject of this.#waiting) {
      reject(new ZooKeeperError("CONNECTION_LOSS", "The connection to ZooKeeper broke"));
    }
    this.#waiting.clear();
  }
}

/** One way of a connection: everything arrives in the order in which it was sent. */
class Direction {
  readonly #options: ModelConnectionOptions;
  #busyUntilMs = 0;

  constructor(options: ModelConnectionOptions) {
    this.#options = options;
  }

  carry(arrive: () => void): void {
    const { runtime, latencyMs } = this.#options;
    const nowMs = runtime.clock.monotonicMs();
    const delayMs = latencyMs();
    if (delayMs <= 0 && this.#busyUntilMs <= nowMs) {
      queueMicrotask(arrive);
      return;
    }
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + delayMs);
    runtime.timers.schedule(this.#busyUntilMs - nowMs, arrive);
  }
}
