import { type DirectoryAssignment, ITEMS_PER_REQUEST_MAX } from "@ottla/metadata";
import type { Logger, Timer, Timers } from "@ottla/runtime";
import type { ControllerClient } from "../cluster/controller-client.ts";

/** How long after a failure it is tried again. */
const RETRY_DELAY_MS = 1_000;

export interface DirectoryAssignmentsOptions {
  readonly controller: Pick<ControllerClient, "assignReplicasToDirs">;
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
  #isOpen = false;
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
  begin(): void {
    this.#isOpen = true;
    void this.#send();
  }

  close(): void {
    this.#isOpen = false;
    this.#retry?.cancel();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#isOpen && this.#pending.size > 0) await this.#sendSome();
    } catch (error) {
      const { logger, timers } = this.#options;
      logger.warn("the log directories of partitions cannot be noted yet", { err: error });
      if (this.#isOpen) this.#retry = timers.schedule(RETRY_DELAY_MS, () => void this.#send());
    } finally {
      this.#isSending = false;
    }
  }

  async #sendSome(): Promise<void> {
    const some = [...this.#pending].slice(0, ITEMS_PER_REQUEST_MAX);
    const content = some.map(([, assignment]) => assignment);
    await this.#options.controller.assignReplicasToDirs(content);
    for (const [key, assignment] of some) if (this.#pending.get(key) === assignment) this.#pending.delete(key);
  }
}
