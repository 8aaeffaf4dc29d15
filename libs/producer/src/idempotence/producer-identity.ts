import type { ClusterClient } from "@ottla/client/internal";
import { isRetriable, toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import { initProducerIdApi } from "@ottla/protocol/client";
import type { Identity } from "./identity.ts";

const EPOCH_MAX = 0x7fff;
/** A producer without transactions has no transaction timeout; this is what Kafka's own client sends. */
const NO_TRANSACTION_TIMEOUT_MS = 0x7fff_ffff;

/** The producer's id and epoch, by which brokers tell its batches from others'. */
export class ProducerIdentity implements Identity {
  readonly #client: ClusterClient;
  readonly #onChange: (error: KafkaError | null) => void;
  #producerId = -1;
  #producerEpoch = -1;
  #requesting = false;

  /** @param onChange called when the identity is known, or with the error if no broker will ever give one */
  constructor(client: ClusterClient, onChange: (error: KafkaError | null) => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  get producerId(): number {
    return this.#producerId;
  }

  get producerEpoch(): number {
    return this.#producerEpoch;
  }

  get isKnown(): boolean {
    return this.#producerId >= 0;
  }

  admits(): boolean {
    return true;
  }

  /** Asks a broker for an id, unless there is one or the question is out already. */
  request(): void {
    if (this.isKnown || this.#requesting) return;
    this.#requesting = true;
    void this.#ask().then((error) => {
      this.#requesting = false;
      if (!this.#client.isClosed) this.#onChange(error);
    });
  }

  /**
   * Goes on to the next epoch, if the given identity still is the current one: several partitions may have come to
   * the same conclusion. After the last epoch a new id is needed, and the identity is unknown until it has come.
   */
  bumpFrom(producerId: number, producerEpoch: number): void {
    if (!this.isKnown || producerId !== this.#producerId || producerEpoch !== this.#producerEpoch) return;
    if (this.#producerEpoch < EPOCH_MAX) {
      this.#producerEpoch++;
      return;
    }
    this.#producerId = -1;
    this.#producerEpoch = -1;
    this.request();
  }

  /** @returns the error, if it is not one that heals; retriable ones count as "ask again" */
  async #ask(): Promise<KafkaError | null> {
    const request = { transactionalId: null, transactionTimeoutMs: NO_TRANSACTION_TIMEOUT_MS };
    try {
      const response = await this.#client.ask("any", initProducerIdApi, request);
      this.#producerId = response.producerId;
      this.#producerEpoch = response.producerEpoch;
      return null;
    } catch (error) {
      return isRetriable(error) ? null : toKafkaError(error);
    }
  }
}
