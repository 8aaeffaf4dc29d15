import { produceApi, writeTxnMarkersApi } from "@ottla/protocol";
import type { InboundRequest } from "@ottla/transport";
import type { AnyApiHandler } from "../api-handler.ts";
import type { ClientQuotas } from "../quotas/client-quotas.ts";

/**
 * Holds the client of one request to its quotas (KIP-219): the answer goes out at once and tells how long to wait, and
 * nothing more is taken from the connection until then. What brokers ask of one another is not throttled.
 */
export class Throttling {
  readonly #inbound: InboundRequest;
  readonly #handler: AnyApiHandler;
  readonly #quotas: ClientQuotas;
  readonly #clientId: string;
  readonly #startedMs: number;
  #waitMs = 0;

  constructor(inbound: InboundRequest, handler: AnyApiHandler, quotas: ClientQuotas) {
    this.#inbound = inbound;
    this.#handler = handler;
    this.#quotas = quotas;
    this.#clientId = inbound.header.clientId ?? "";
    this.#startedMs = quotas.nowMs();
  }

  /** The handler has returned: the request has taken effect, or waits. */
  handled(request: unknown): void {
    const { api } = this.#handler;
    if (api.key === produceApi.key) this.#wait(this.#quotas.produced(this.#clientId, this.#inbound.frame.length));
    const isUnanswered = (request as { readonly acks?: number }).acks === 0;
    if (!this.#quotas.boundsTime || isUnanswered || this.#isOfBroker(request)) return;
    this.#wait(this.#quotas.processed(this.#clientId, this.#quotas.nowMs() - this.#startedMs));
  }

  /** The answer with the time to wait, where there is one; a handler may have found another. */
  answer(response: unknown): unknown {
    const { throttleTimeMs = 0 } = response as { readonly throttleTimeMs?: number };
    this.#wait(throttleTimeMs);
    return this.#waitMs > throttleTimeMs ? { ...(response as object), throttleTimeMs: this.#waitMs } : response;
  }

  #wait(waitMs: number): void {
    if (waitMs <= this.#waitMs) return;
    this.#waitMs = waitMs;
    this.#inbound.connection.throttle(waitMs);
  }

  #isOfBroker(request: unknown): boolean {
    const { advertised, api } = this.#handler;
    const { replicaId = -1, replicaState } = request as {
      readonly replicaId?: number;
      readonly replicaState?: { readonly replicaId: number };
    };
    const isFollower = replicaId >= 0 || (replicaState?.replicaId ?? -1) >= 0;
    return advertised === false || api.key === writeTxnMarkersApi.key || isFollower;
  }
}
