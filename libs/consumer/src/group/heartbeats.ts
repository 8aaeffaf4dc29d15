import { type ClusterClient, isRetriable, toKafkaError } from "@ottla/client/internal";
import { heartbeatApi, type KafkaError } from "@ottla/protocol";
import type { Timer } from "@ottla/runtime";
import type { MemberIdentity } from "./membership.ts";

/** Whom heartbeats speak for, and how often. */
export interface HeartbeatOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
}

/** Who hears of how heartbeats fare. */
export interface HeartbeatListener {
  /** The coordinator refuses: the group rebalances, or the member is not (or no longer) part of it. */
  onRefused(error: KafkaError, identity: MemberIdentity): void;
  /** No answer, or one that says to try again. */
  onFailed(error: KafkaError): void;
  onAccepted(): void;
}

/**
 * Keeps the membership alive while everything else takes its time. Beats by timer, and on {@link pulse}, which others
 * call as they see traffic: browsers hold back the timers of tabs in the background, but not their sockets.
 */
export class Heartbeats {
  readonly #client: ClusterClient;
  readonly #options: HeartbeatOptions;
  readonly #listener: HeartbeatListener;
  #identity: MemberIdentity | undefined;
  #timer: Timer | undefined;
  #dueAtMs = 0;
  #failures = 0;
  #isUnderWay = false;

  constructor(client: ClusterClient, options: HeartbeatOptions, listener: HeartbeatListener) {
    this.#client = client;
    this.#options = options;
    this.#listener = listener;
  }

  /** Beats for `identity` from now on, which the coordinator has just heard of. */
  start(identity: MemberIdentity): void {
    if (this.#identity !== undefined && sameIdentity(this.#identity, identity)) return;
    this.#identity = identity;
    this.#failures = 0;
    this.#schedule(this.#options.heartbeatIntervalMs);
  }

  stop(): void {
    this.#identity = undefined;
    this.#timer?.cancel();
  }

  /** Beats now if it is time. */
  pulse(): void {
    if (this.#identity !== undefined && this.#now() >= this.#dueAtMs) void this.#beat(this.#identity);
  }

  #now(): number {
    return this.#client.runtime.clock.monotonicMs();
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#dueAtMs = this.#now() + delayMs;
    this.#timer = this.#client.runtime.timers.schedule(delayMs, () => this.pulse(), { keepAlive: true });
  }

  /** Whatever becomes of this one, another is scheduled: also where the last one is still waited for. */
  async #beat(identity: MemberIdentity): Promise<void> {
    this.#schedule(this.#options.heartbeatIntervalMs);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      await this.#send(identity);
      this.#onAccepted(identity);
    } catch (error) {
      this.#onError(error, identity);
    } finally {
      this.#isUnderWay = false;
    }
  }

  async #send(identity: MemberIdentity): Promise<void> {
    const { groupId, groupInstanceId, sessionTimeoutMs } = this.#options;
    const body = (version: number) => ({ groupId, ...identity, ...(version >= 3 ? { groupInstanceId } : {}) });
    const target = { group: groupId };
    // Not answered in time, it costs the connection: the next one then finds out whether another one gets through.
    const timeoutMs = Math.min(sessionTimeoutMs, this.#client.settings.requestTimeoutMs);
    await this.#client.ask(target, heartbeatApi, body, { retry: false, timeoutMs, requestTimeoutMs: timeoutMs });
  }

  #onAccepted(identity: MemberIdentity): void {
    if (this.#identity !== identity) return;
    this.#failures = 0;
    this.#listener.onAccepted();
  }

  #onError(error: unknown, identity: MemberIdentity): void {
    if (this.#identity !== identity) return;
    const failure = toKafkaError(error);
    if (isRetriable(failure)) this.#tryAgain(failure);
    else this.#listener.onRefused(failure, identity);
  }

  #tryAgain(failure: KafkaError): void {
    this.#failures++;
    this.#schedule(Math.min(this.#client.retryBackoffMs(this.#failures), this.#options.heartbeatIntervalMs));
    this.#listener.onFailed(failure);
  }
}

function sameIdentity(a: MemberIdentity, b: MemberIdentity): boolean {
  return a.memberId === b.memberId && a.generationId === b.generationId;
}
