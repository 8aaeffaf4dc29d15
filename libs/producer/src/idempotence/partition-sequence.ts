import { incrementSequence } from "@ottla/protocol/client";
import type { ProducerBatch } from "../accumulator/producer-batch.ts";
import type { Identity } from "./identity.ts";

/**
 * The sequence numbers of an idempotent producer in one partition, by which the broker recognizes duplicates and
 * gaps. They count records, begin at 0 with each producer id or epoch, and stay with a batch through its retries.
 *
 * Invariants: batches that have a sequence and are not done (in flight or to be retried) carry consecutive ones up to
 * `next`; sequences are given anew only when none of them is in flight, so that no answer can be mistaken.
 */
export class PartitionSequence {
  readonly #identity: Identity;
  #producerId = -1;
  #producerEpoch = -1;
  #next = 0;
  #lastAcked = -1;
  #resetWanted = false;
  #unresolved = false;
  #isEstablished = false;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** True if nothing may be sent until all that is in flight has been answered. */
  get isResetting(): boolean {
    return this.#resetWanted;
  }

  /** True if batches that were never sent have to wait: a batch was given up, and the broker may or may not have it. */
  get isUnresolved(): boolean {
    return this.#unresolved;
  }

  /**
   * Whether the broker knows this producer. A broker that does not takes any sequence for a beginning: a second batch
   * that overtook the first could not be told from it, so until then only one may be in flight.
   */
  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** Gives a batch that is sent for the first time its sequence. The producer's identity must be known. */
  assign(batch: ProducerBatch, hasUnfinished: boolean): void {
    if (!hasUnfinished) this.#adoptIdentity();
    batch.assignSequence(this.#producerId, this.#producerEpoch, this.#next);
    this.#next = incrementSequence(this.#next, batch.recordsCount);
  }

  /** Notes that the broker has the batch. */
  acked(batch: ProducerBatch): void {
    this.#isEstablished = true;
    if (batch.producerId !== this.#producerId || batch.producerEpoch !== this.#producerEpoch) return;
    this.#lastAcked = incrementSequence(batch.baseSequence, batch.recordsCount - 1);
  }

  /** The broker misses a batch that nobody will send, or has no memory of this producer: begin anew. */
  wantReset(): void {
    this.#resetWanted = true;
  }

  /**
   * A batch that had been sent was given up, or refused for good. Even then an earlier attempt may have been written,
   * and with it batches behind it: those keep their sequences, until the broker shows that it misses one.
   */
  markUnresolved(): void {
    this.#unresolved = true;
  }

  /**
   * To be called when nothing is in flight: begins anew if that is wanted, and if a batch was given up and all that
   * had a sequence is done. `unfinished` are the batches to be retried, in order; they get new sequences.
   */
  settle(unfinished: readonly ProducerBatch[]): void {
    if (this.#unresolved && unfinished.length === 0) {
      this.#resetWanted ||= incrementSequence(this.#lastAcked, 1) !== this.#next;
      this.#unresolved = false;
    }
    if (this.#resetWanted) this.#reset(unfinished);
  }

  /** A new epoch, so that the broker accepts sequence 0 and no (epoch, sequence) is used twice (KIP-360). */
  #reset(unfinished: readonly ProducerBatch[]): void {
    this.#resetWanted = false;
    this.#unresolved = false;
    this.#identity.bumpFrom(this.#producerId, this.#producerEpoch);
    if (!this.#identity.isKnown) {
      this.#resetWanted = true;
      return;
    }
    this.#adoptIdentity();
    for (const batch of unfinished) this.assign(batch, true);
  }

  #adoptIdentity(): void {
    const { producerId, producerEpoch } = this.#identity;
    if (producerId === this.#producerId && producerEpoch === this.#producerEpoch) return;
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
    this.#next = 0;
    this.#lastAcked = -1;
  }
}
