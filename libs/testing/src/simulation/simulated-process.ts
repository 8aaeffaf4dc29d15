import {
  type Logger,
  type Runtime,
  type SimulatedRuntime,
  seededRandom,
  silentLogger,
  type Timer,
} from "@ottla/runtime";

/** The shortest wait by a clock that is not right. */
const TIMER_MS_MIN = 0.01;

/** How a process's clocks differ from the world's. */
export interface ClockOptions {
  /** By how much its wall clock is ahead. */
  readonly skewMs?: number;
  /** How fast its clocks go: 1 is right. */
  readonly rate?: number;
}

/**
 * A process of the simulated world. All that can wake it up (its timers, and what the network and a disk bring) goes
 * through {@link wake}: while it is paused, as by a debugger or a stolen CPU, that waits; once it is killed, nothing
 * ever runs in it again.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly runtime: Runtime;
  /** Time that bytes to and from this process are under way, on top of the network's own. */
  lagMs = 0;
  /** While true, bytes to and from this process wait in the network. */
  isCutOff = false;
  /** By how much its wall clock is ahead of the world's. */
  skewMs: number;
  readonly #rate: number;
  readonly #world: SimulatedRuntime;
  readonly #timers = new Set<Timer>();
  readonly #onKilled: (() => void)[] = [];
  #state: "running" | "paused" | "dead" = "running";
  #held: (() => void)[] = [];

  constructor(
    name: string,
    world: SimulatedRuntime,
    seed: number,
    { logger = silentLogger, skewMs = 0, rate = 1 }: ClockOptions & { readonly logger?: Logger } = {},
  ) {
    this.name = name;
    this.skewMs = skewMs;
    this.#rate = rate;
    this.#world = world;
    this.runtime = {
      clock: {
        nowMs: () => world.clock.nowMs() + this.skewMs,
        monotonicMs: () => world.clock.monotonicMs() * rate,
      },
      random: seededRandom(seed),
      logger,
      timers: {
        schedule: (delayMs, callback) => this.#schedule(delayMs, callback),
        defer: (callback) => world.timers.defer(() => this.wake(callback)),
      },
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** Runs `callback` in this process: now, when it goes on, or never. */
  wake(callback: () => void): void {
    if (this.#state === "running") callback();
    else if (this.#state === "paused") this.#held.push(callback);
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /** Goes on; what waited comes in the order in which it came due. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    for (const callback of held) this.#world.timers.defer(() => this.wake(callback));
  }

  /** Dies without a word. */
  kill(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#held = [];
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const listener of this.#onKilled) listener();
  }

  /** Calls `listener` when the process is killed. */
  onKilled(listener: () => void): void {
    this.#onKilled.push(listener);
  }

  #schedule(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    // A clock that is off by a rounding error must have gone on when a timer fires.
    const worldMs = this.#rate === 1 ? delayMs : Math.max(delayMs / this.#rate, TIMER_MS_MIN);
    const scheduled = this.#world.timers.schedule(worldMs, () => {
      this.#timers.delete(timer);
      this.wake(() => {
        if (!isCancelled) callback();
      });
    });
    const timer = {
      cancel: () => {
        isCancelled = true;
        this.#timers.delete(timer);
        scheduled.cancel();
      },
    };
    if (this.#state !== "dead") this.#timers.add(timer);
    else scheduled.cancel();
    return timer;
  }
}
