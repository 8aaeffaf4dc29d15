import type { Runtime, Timer } from "@ottla/runtime";
import type { ProducerBatch } from "./producer-batch.ts";

/** All batches that are not done, oldest first, with one timer for the moment when the oldest is given up. */
export class IncompleteBatches {
  readonly #batches = new Set<ProducerBatch>();
  readonly #runtime: Runtime;
  readonly #deliveryTimeoutMs: number;
  readonly #expire: (batch: ProducerBatch) => void;
  #timer: Timer | null = null;

  constructor(runtime: Runtime, deliveryTimeoutMs: number, expire: (batch: ProducerBatch) => void) {
    this.#runtime = runtime;
    this.#deliveryTimeoutMs = deliveryTimeoutMs;
    this.#expire = expire;
  }

  add(batch: ProducerBatch): void {
    this.#batches.add(batch);
    if (this.#timer === null) this.#arm(batch);
  }

  delete(batch: ProducerBatch): void {
    this.#batches.delete(batch);
    if (this.#batches.size > 0) return;
    // An idle producer holds up nothing: not the process, and no timer of a simulation.
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** The batches as they are now. */
  snapshot(): ProducerBatch[] {
    return [...this.#batches];
  }

  #arm(oldest: ProducerBatch): void {
    const delayMs = this.#timeLeftMs(oldest);
    if (delayMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#runtime.timers.schedule(Math.ceil(delayMs), () => this.#onDue(), { keepAlive: true });
  }

  #timeLeftMs(batch: ProducerBatch): number {
    return batch.createdAtMs + this.#deliveryTimeoutMs - this.#runtime.clock.monotonicMs();
  }

  #onDue(): void {
    this.#timer = null;
    for (const batch of this.snapshot()) {
      if (this.#timeLeftMs(batch) > 0) break;
      this.#expire(batch);
    }
    const [oldest] = this.#batches;
    if (oldest !== undefined && this.#timer === null) this.#arm(oldest);
  }
}
