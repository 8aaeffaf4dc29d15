import type { Runtime, Timer } from "@ottla/runtime";
import type { Delivery } from "../reading/delivery.ts";

/** The limit is looked at so many times before it is over. */
const LOOKS = 4;

/** Notices a handler that keeps what it was handed for longer than `maxPollIntervalMs`. Costs nothing per record. */
export class HangWatch<K, V> {
  readonly #runtime: Runtime;
  readonly #delivery: Delivery<K, V>;
  readonly #intervalMs: number;
  readonly #onHang: () => void;
  #timer: Timer | undefined;
  #seen: number | undefined;
  #looks = 0;

  constructor(runtime: Runtime, delivery: Delivery<K, V>, maxPollIntervalMs: number, onHang: () => void) {
    this.#runtime = runtime;
    this.#delivery = delivery;
    this.#intervalMs = maxPollIntervalMs / LOOKS;
    this.#onHang = onHang;
  }

  start(): void {
    this.#timer = this.#runtime.timers.schedule(this.#intervalMs, () => {
      this.start();
      this.#look();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { oldestInWork } = this.#delivery;
    this.#looks = oldestInWork !== undefined && oldestInWork === this.#seen ? this.#looks + 1 : 0;
    this.#seen = oldestInWork;
    if (this.#looks === LOOKS) this.#onHang();
  }
}
