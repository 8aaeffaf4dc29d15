import { createSimulatedRuntime, type Random, type SimulatedRuntime, seededRandom } from "@ottla/runtime";
import { settled } from "./settled.ts";
import type { Arrival, Exchange, Fate } from "./simulated-link.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { type ClockOptions, SimulatedProcess } from "./simulated-process.ts";
import type { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";

/** How far a world moves before everybody looks at it again. */
export const STEP_MS = 100;

export interface WorldOptions {
  readonly seed: number;
  readonly tally: Tally;
  /** Decides what becomes of a message while there are faults; by default it arrives. What the operator says always does. */
  readonly fateOf?: (exchange: Exchange, direction: "request" | "response") => Fate;
  /** Told of each message as it arrives. */
  readonly onArrived?: (arrival: Arrival) => void;
  /** How long a message is under way. */
  readonly latencyMs?: () => number;
}

/**
 * What all simulations stand on: time, chance, a network, an operator's process, and the first violation of what must
 * hold. Everything in it follows from the seed.
 */
export class SimulatedWorld {
  readonly seed: number;
  readonly tally: Tally;
  readonly runtime: SimulatedRuntime;
  readonly random: Random;
  readonly network: SimulatedNetwork;
  /** Whose messages no fault hits. */
  readonly operator: SimulatedProcess;
  readonly trace: Trace;
  /** Whether faults happen at present. */
  isFaulty = true;
  #violation: { readonly error: unknown } | undefined;
  #started = 0;

  constructor({ seed, tally, fateOf, onArrived, latencyMs }: WorldOptions) {
    this.seed = seed;
    this.tally = tally;
    this.random = seededRandom(seed * 7919);
    this.runtime = createSimulatedRuntime(seed);
    this.trace = new Trace(this.runtime.clock);
    this.operator = new SimulatedProcess("operator", this.runtime, seed + 1);
    this.network = new SimulatedNetwork({
      world: this.runtime,
      random: seededRandom(seed * 31),
      fateOf: (exchange, direction) => {
        if (!this.isFaulty || exchange.client === this.operator) return "arrives";
        return fateOf?.(exchange, direction) ?? "arrives";
      },
      onArrived: (arrival) => {
        this.trace.arrived(arrival);
        onArrived?.(arrival);
      },
      ...(latencyMs !== undefined && { latencyMs }),
    });
  }

  get nowMs(): number {
    return this.runtime.clock.monotonicMs();
  }

  /** Something must not be as it is: the next step throws it. The first violation counts. */
  violated(error: unknown): void {
    this.#violation ??= { error };
  }

  /** Lets time pass. @throws the first violation */
  async step(): Promise<void> {
    await this.runtime.advance(STEP_MS);
    if (this.#violation !== undefined) throw this.#violation.error;
  }

  /** Lets time pass until `promise` settles. @throws Error after a minute */
  settle<T>(promise: Promise<T>): Promise<T> {
    return settled(() => this.step(), STEP_MS, promise);
  }

  /** Whether something happens that happens once in so many times. */
  happens(onceIn: number): boolean {
    return this.random.nextInt(onceIn) === 0;
  }

  anyOf<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.random.nextInt(items.length)];
  }

  later(delayMs: number, action: () => void): void {
    this.runtime.timers.schedule(delayMs, action);
  }

  /** Inflicts each fault once in so many steps, where it finds something to hit, and counts it. */
  inflict<Name extends string>(
    onceIn: Readonly<Record<Name, number>>,
    faults: Readonly<Record<Name, () => boolean>>,
  ): void {
    for (const name of Object.keys(onceIn) as Name[]) {
      if (!this.happens(onceIn[name]) || !faults[name]()) continue;
      this.tally.add(`fault ${name}`);
      this.trace.note(name);
    }
  }

  /** A process of its own, and a seed for what is in it. */
  newProcess(name: string, clock: ClockOptions = {}): { readonly process: SimulatedProcess; readonly seed: number } {
    const seed = this.seed * 1_000 + ++this.#started;
    return { process: new SimulatedProcess(`${name}${this.#started}`, this.runtime, seed, clock), seed };
  }

  /** Breaks one connection that is not the operator's. */
  breakConnection(): boolean {
    const link = this.anyOf([...this.network.links].filter(({ client }) => client !== this.operator));
    link?.reset();
    return link !== undefined;
  }

  /** How the operator's clients reach brokers. */
  operatorClient(bootstrapServers: string) {
    return {
      bootstrapServers,
      connector: this.network.connectorOf(this.operator),
      runtime: this.operator.runtime,
      requestTimeoutMs: 2_000,
    };
  }
}
