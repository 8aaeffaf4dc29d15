import type { ProducerIdBlock } from "@ottla/metadata";
import type { ControllerClient } from "../cluster/controller-client.ts";

/**
 * Producer ids for this broker's clients, from blocks that the metadata log records as given away before the first id of
 * them is used. So none is ever issued twice, whenever the broker is killed.
 */
export class ProducerIds {
  readonly #controller: Pick<ControllerClient, "allocateProducerIds">;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  constructor(controller: Pick<ControllerClient, "allocateProducerIds">) {
    this.#controller = controller;
  }

  /** A producer id that nobody has had. */
  async next(): Promise<number> {
    while (this.#next === this.#end) await this.#fetchBlock();
    return this.#next++;
  }

  #fetchBlock(): Promise<void> {
    this.#refill ??= this.#controller
      .allocateProducerIds()
      .then((block) => this.#take(block))
      .finally(() => {
        this.#refill = null;
      });
    return this.#refill;
  }

  #take({ firstProducerId, size }: ProducerIdBlock): void {
    this.#next = firstProducerId;
    this.#end = firstProducerId + size;
  }
}
