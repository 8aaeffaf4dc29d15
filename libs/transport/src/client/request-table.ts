import type { KafkaError } from "@ottla/protocol";
import type { WriteDone } from "../byte-channel.ts";
import { Fifo } from "../fifo.ts";
import type { PendingRequest } from "./pending-request.ts";

/** A request that is encoded and ready to leave. */
export interface OutgoingRequest {
  readonly correlationId: number;
  readonly chunks: readonly Uint8Array[];
  /** Null for a request without a response. */
  readonly pending: PendingRequest | null;
  readonly onDone?: WriteDone;
}

/** What the deadlines say: when to look again, and the error of a request that was sent and not answered in time. */
export interface Expiry {
  readonly nextMs: number;
  readonly overdue: KafkaError | undefined;
}

/**
 * The requests of one connection: those in flight, by correlation id, and those that wait because too many are.
 *
 * Invariant: requests leave in the order of `send`, also those without a response.
 */
export class RequestTable {
  readonly #maxInFlight: number;
  readonly #write: (chunks: readonly Uint8Array[], onDone?: WriteDone) => void;
  readonly #inFlight = new Map<number, PendingRequest>();
  readonly #waiting = new Fifo<OutgoingRequest>();
  /** Requests in flight or waiting whose callers have given up. */
  #abandoned = 0;
  #isHeld = false;
  #onAllAnswered: () => void = () => {};

  constructor(maxInFlight: number, write: (chunks: readonly Uint8Array[], onDone?: WriteDone) => void) {
    this.#maxInFlight = maxInFlight;
    this.#write = write;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** Whether nothing is to be sent and nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#inFlight.size + this.#waiting.length <= this.#abandoned;
  }

  send(request: OutgoingRequest): void {
    if (this.#waiting.length > 0 || this.#isHeld || this.#inFlight.size >= this.#maxInFlight)
      this.#waiting.push(request);
    else this.#sendNow(request);
  }

  /** Sends ahead of everything that waits. */
  sendFirst(request: OutgoingRequest): void {
    this.#sendNow(request);
  }

  /**
   * Keeps back what is sent from now on, apart from `sendFirst`, until `release`. Resolves when everything before is
   * answered, or has failed.
   */
  hold(): Promise<void> {
    this.#isHeld = true;
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onAllAnswered = resolve;
    });
  }

  release(): void {
    this.#isHeld = false;
    this.#sendWaiting();
  }

  /** Gives an answer to its request, and sends what waited for its place. False when there is no such request. */
  answer(correlationId: number, frame: Uint8Array): boolean {
    const pending = this.#inFlight.get(correlationId);
    if (pending === undefined) return false;
    this.#inFlight.delete(correlationId);
    if (pending.isAbandoned) this.#abandoned--;
    pending.answer(frame);
    if (this.#inFlight.size === 0) this.#onAllAnswered();
    this.#sendWaiting();
    return true;
  }

  /** Takes note that the caller of one request has given up. */
  noteAbandoned(): void {
    this.#abandoned++;
  }

  /** Fails what is overdue with what `errorFor` says. */
  expire(nowMs: number, errorFor: (pending: PendingRequest) => KafkaError): Expiry {
    let nextMs = Number.POSITIVE_INFINITY;
    let overdue: KafkaError | undefined;
    const isDue = (pending: PendingRequest) => {
      if (pending.deadlineMs > nowMs) nextMs = Math.min(nextMs, pending.deadlineMs);
      return pending.deadlineMs <= nowMs;
    };
    for (const pending of this.#inFlight.values()) {
      if (!isDue(pending)) continue;
      overdue = errorFor(pending);
      this.#giveUp(pending, overdue);
    }
    this.#waiting.forEach(({ pending }) => {
      if (pending !== null && isDue(pending)) this.#giveUp(pending, errorFor(pending));
    });
    return { nextMs, overdue };
  }

  /** Fails everything; the table is empty afterwards. */
  fail(error: KafkaError): void {
    for (const pending of this.#inFlight.values()) pending.fail(error);
    this.#inFlight.clear();
    this.#onAllAnswered();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.pending?.fail(error);
      next.onDone?.(false);
    }
    this.#abandoned = 0;
  }

  #sendNow({ correlationId, chunks, pending, onDone }: OutgoingRequest): void {
    if (pending !== null) this.#inFlight.set(correlationId, pending);
    this.#write(chunks, onDone);
  }

  #sendWaiting(): void {
    while (!this.#isHeld && this.#waiting.length > 0 && this.#inFlight.size < this.#maxInFlight) {
      const next = this.#waiting.shift()!;
      if (next.pending?.isAbandoned) this.#abandoned--;
      else this.#sendNow(next);
    }
  }

  #giveUp(pending: PendingRequest, error: KafkaError): void {
    if (pending.isAbandoned) return;
    pending.giveUp(error);
    this.#abandoned++;
  }
}
