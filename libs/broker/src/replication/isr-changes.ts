import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Logger, Timers } from "@ottla/runtime";
import { delay } from "@ottla/transport";
import type { AlteredPartition, ControllerClient, PartitionAlteration } from "../cluster/controller-client.ts";

export interface IsrChangesOptions {
  readonly controller: () => Pick<ControllerClient, "alterPartition">;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Waiting {
  readonly alteration: PartitionAlteration;
  readonly isWanted: () => boolean;
  resolve(altered: AlteredPartition | null): void;
}

/** How long to wait before the controller is asked again. As Kafka. */
const RETRY_MS = 50;

/** How many partitions one request may be about. */
const PARTITIONS_PER_REQUEST_MAX = 1_000;

/**
 * Brings changes of ISRs to the controller: one request at a time, with all that has gathered meanwhile, repeated until
 * it is answered.
 */
export class IsrChanges {
  readonly #options: IsrChangesOptions;
  #waiting: Waiting[] = [];
  #isRunning = false;
  readonly #stop = new AbortController();

  constructor(options: IsrChangesOptions) {
    this.#options = options;
  }

  /** @returns what the controller has made of it, or null where it is not wanted any more */
  submit(alteration: PartitionAlteration, isWanted: () => boolean): Promise<AlteredPartition | null> {
    return new Promise((resolve) => {
      this.#waiting.push({ alteration, isWanted, resolve });
      if (this.#isRunning) return;
      this.#isRunning = true;
      this.#options.timers.defer(() => void this.#run());
    });
  }

  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) {
      const unanswered = await this.#ask(batch);
      if (unanswered.length === 0) continue;
      this.#waiting.push(...unanswered);
      await delay(this.#options.timers, RETRY_MS, this.#stop.signal).catch(() => {});
    }
    this.#isRunning = false;
  }

  #next(): Waiting[] {
    const isOpen = !this.#stop.signal.aborted;
    const gone = this.#waiting.filter(({ isWanted }) => !isOpen || !isWanted());
    for (const { resolve } of gone) resolve(null);
    const wanted = isOpen ? this.#waiting.filter(({ isWanted }) => isWanted()) : [];
    this.#waiting = wanted.slice(PARTITIONS_PER_REQUEST_MAX);
    return wanted.slice(0, PARTITIONS_PER_REQUEST_MAX);
  }

  /** @returns those that have to be asked again */
  async #ask(batch: readonly Waiting[]): Promise<Waiting[]> {
    try {
      const answers = await this.#options.controller().alterPartition(batch.map(({ alteration }) => alteration));
      return batch.filter((waiting, index) => !settle(waiting, answers[index]));
    } catch (error) {
      if (!(error instanceof KafkaError)) this.#options.logger.error("the ISR cannot be changed", { err: error });
      else this.#options.logger.debug("the controller has to be asked again for another ISR", { err: error });
      return [...batch];
    }
  }
}

/** What the controller cannot answer just now it is asked again. */
function settle({ resolve }: Waiting, answer: AlteredPartition | undefined): boolean {
  if (answer === undefined || isPassing(answer.errorCode)) return false;
  resolve(answer);
  return true;
}

function isPassing(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.UNKNOWN_SERVER_ERROR ||
    errorCode === ErrorCode.REQUEST_TIMED_OUT ||
    errorCode === ErrorCode.NOT_CONTROLLER
  );
}
