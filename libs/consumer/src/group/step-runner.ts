import { toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import { onAbort } from "@ottla/runtime";

/** A membership as a state machine: each step's outcome leads to the next one. */
export interface StepMachine<Step, Outcome> {
  start(): Step;
  next(outcome: Outcome): Step;
  /** Whether the step under way is to be cut short for it; the same goes for `close`. */
  suspend(): boolean;
  close(): boolean;
}

interface AnyStep {
  readonly do: string;
}

/** How a step ended that did not come to its own end. */
type CutShort = { readonly type: "interrupted" } | { readonly type: "refused"; readonly error: KafkaError };

/** Taking over partitions and leaving are brief, and not to be left half done. */
const UNINTERRUPTIBLE: ReadonlySet<string> = new Set(["adopt", "leave"]);

/** Plays a {@link StepMachine}: carries out its steps one after another, and cuts one short when asked to. */
export class StepRunner<Step extends AnyStep, Outcome> {
  readonly #machine: StepMachine<Step, Outcome | CutShort>;
  readonly #carryOut: (step: Step, signal: AbortSignal) => Promise<Outcome>;
  #interruptStep = new AbortController();
  #isInterruptible = false;
  #ended: Promise<void> | undefined;

  /** @param carryOut does what a step says; `signal` cuts it short */
  constructor(
    machine: StepMachine<Step, Outcome | CutShort>,
    carryOut: (step: Step, signal: AbortSignal) => Promise<Outcome>,
  ) {
    this.#machine = machine;
    this.#carryOut = carryOut;
  }

  /** Goes on until the machine stops, and says which step that was. */
  start(onEnd: (last: Step) => void): void {
    this.#ended = this.#run().then(onEnd);
  }

  /** Has the machine suspend. */
  suspend(): void {
    if (this.#machine.suspend()) this.interrupt();
  }

  /** Has the machine close, and settles when it has stopped. */
  async close(): Promise<void> {
    if (this.#machine.close()) this.interrupt();
    await this.#ended;
  }

  /** Cuts the step under way short, unless it is one that must not be. */
  interrupt(): void {
    if (this.#isInterruptible) this.#interruptStep.abort();
  }

  async #run(): Promise<Step> {
    let step = this.#machine.start();
    while (step.do !== "stop") step = this.#machine.next(await this.#perform(step));
    return step;
  }

  /** Has an outcome for whatever happens. */
  async #perform(step: Step): Promise<Outcome | CutShort> {
    this.#interruptStep = new AbortController();
    this.#isInterruptible = !UNINTERRUPTIBLE.has(step.do);
    const { signal } = this.#interruptStep;
    try {
      return await this.#carryOut(step, signal);
    } catch (cause) {
      if (signal.aborted) return { type: "interrupted" };
      return { type: "refused", error: toKafkaError(cause) };
    }
  }
}

/** Settles when the signal is given. */
export function aborting(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
}
