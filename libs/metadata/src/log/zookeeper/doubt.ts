import type { Runtime, Timer } from "@ottla/runtime";
import type { ZooKeeper } from "@ottla/zookeeper";

/**
 * Whether ZooKeeper has been out of reach for so long that what this broker has announced there may have ended unheard.
 * The log says so when that begins, and when it is over: nothing else tells an operator what heartbeats fail for.
 */
export class Doubt {
  readonly #client: ZooKeeper;
  readonly #runtime: Pick<Runtime, "clock" | "timers" | "logger">;
  /** Since when there has been no connection, on the monotonic clock; null while there is one. */
  #disconnectedMs: number | null = null;
  #timer: Timer | null = null;
  #isTold = false;

  constructor(client: ZooKeeper, runtime: Pick<Runtime, "clock" | "timers" | "logger">) {
    this.#client = client;
    this.#runtime = runtime;
    client.onSessionEvent((event) => {
      if (event === "connected") this.#connected();
      if (event === "disconnected") this.#disconnected();
      // That the session has expired is heard before there is another one: there is no connection yet.
    });
  }

  get isInDoubt(): boolean {
    if (this.#disconnectedMs === null) return false;
    return this.#runtime.clock.monotonicMs() - this.#disconnectedMs > this.#client.sessionTimeoutMs;
  }

  /** Nothing is said any more. */
  close(): void {
    this.#timer?.cancel();
  }

  #disconnected(): void {
    if (this.#disconnectedMs !== null) return;
    const { clock, timers } = this.#runtime;
    this.#disconnectedMs = clock.monotonicMs();
    this.#timer = timers.schedule(this.#client.sessionTimeoutMs, () => this.#tell());
  }

  #tell(): void {
    this.#isTold = true;
    this.#runtime.logger.warn(
      "ZooKeeper cannot be reached: no leader, ISR, topic or config changes until it is (zookeeper.connect)",
      { forMs: this.#client.sessionTimeoutMs },
    );
  }

  #connected(): void {
    this.#timer?.cancel();
    this.#disconnectedMs = null;
    if (this.#isTold) this.#runtime.logger.info("ZooKeeper is reached again");
    this.#isTold = false;
  }
}
