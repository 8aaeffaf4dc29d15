import { allocateProducerIds, type ProducerIdBlock } from "@ottla/metadata";
import type { ControllerGateway } from "./broker-services.ts";

/** Who asks for blocks: this broker in its present life. */
export interface ProducerIdOwner {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/**
 * Producer ids for this broker's clients, from blocks that the metadata log records as given away before the first id of
 * them is used. So none is ever issued twice, whenever the broker is killed.
 */
export class ProducerIds {
  readonly #controller: Pick<ControllerGateway, "submit">;
  readonly #owner: () => ProducerIdOwner;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  constructor(controller: Pick<ControllerGateway, "submit">, owner: () => ProducerIdOwner) {
    this.#controller = controller;
    this.#owner = owner;
  }

  /** A producer id that nobody has had. */
  async next(): Promise<number> {
    while (this.#next === this.#end) await this.#fetchBlock();
    return this.#next++;
  }

  #fetchBlock(): Promise<void> {
    this.#refill ??= this.#controller
      .submit((state) => allocateProducerIds(state, this.#owner()))
      .then(({ response }) => this.#take(response))
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
