import { assignDirectories, type DirectoryAssignment, ITEMS_PER_REQUEST_MAX } from "@ottla/metadata";
import type { Logger, Timer, Timers } from "@ottla/runtime";
import type { ControllerGateway } from "./broker-services.ts";

/** How long after a failure it is tried again. */
const RETRY_DELAY_MS = 1_000;

export interface DirectoryAssignmentsOptions {
  readonly controller: Pick<ControllerGateway, "submit">;
  readonly brokerId: number;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Tells the controller in which log directories this broker has put its replicas (KIP-858), so that the next start knows
 * which partitions are offline with a directory that has failed. Bounded by the number of partitions.
 */
export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions;
  #pending = new Map<string, DirectoryAssignment>();
  #brokerEpoch: number | null = null;
  #isSending = false;
  #retry: Timer | null = null;

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options;
  }

  add(assignment: DirectoryAssignment): void {
    this.#pending.set(`${assignment.topicId}-${assignment.partition}`, assignment);
    void this.#send();
  }

  /** The broker is registered: what was found until now can be told. */
  begin(brokerEpoch: number): void {
    this.#brokerEpoch = brokerEpoch;
    void this.#send();
  }

  close(): void {
    this.#brokerEpoch = null;
    this.#retry?.cancel();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#brokerEpoch !== null && this.#pending.size > 0) await this.#sendSome(this.#brokerEpoch);
    } catch (error) {
      const { logger, timers } = this.#options;
      logger.warn("the log directories of partitions cannot be noted yet", { err: error });
      if (this.#brokerEpoch !== null) this.#retry = timers.schedule(RETRY_DELAY_MS, () => void this.#send());
    } finally {
      this.#isSending = false;
    }
  }

  async #sendSome(brokerEpoch: number): Promise<void> {
    const { controller, brokerId } = this.#options;
    const some = [...this.#pending].slice(0, ITEMS_PER_REQUEST_MAX);
    const content = some.map(([, assignment]) => assignment);
    await controller.submit((state) => assignDirectories(state, { brokerId, brokerEpoch, content }));
    for (const [key, assignment] of some) if (this.#pending.get(key) === assignment) this.#pending.delete(key);
  }
}
