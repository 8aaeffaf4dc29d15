import type { Socket } from "node:net";
import type { Runtime, Timer } from "@ottla/runtime";

/** How many sockets may be held; beyond that they are closed at once. */
const HELD_MAX = 1_000;

/**
 * Sockets of addresses that came too fast: they are neither read from nor closed until their time is over, so that a client that
 * connects again at once slows itself down.
 */
export class ThrottledSockets {
  readonly #runtime: Pick<Runtime, "logger" | "timers">;
  readonly #held = new Map<Socket, Timer>();

  constructor(runtime: Pick<Runtime, "logger" | "timers">) {
    this.#runtime = runtime;
  }

  hold(socket: Socket, delayMs: number, whose: Readonly<Record<string, unknown>>): void {
    if (this.#held.size >= HELD_MAX) {
      socket.destroy();
      return;
    }
    if (this.#held.size === 0) {
      this.#runtime.logger.info("Closing connections of an address that come too fast", { ...whose, delayMs });
    }
    this.#held.set(
      socket,
      this.#runtime.timers.schedule(delayMs, () => socket.destroy()),
    );
    socket.once("close", () => this.#forget(socket));
  }

  /** Closes all of them. */
  close(): void {
    for (const socket of this.#held.keys()) socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#held.get(socket)?.cancel();
    this.#held.delete(socket);
  }
}
