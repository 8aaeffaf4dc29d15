import { type ClusterClient, isRetriable, toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import type { Timer } from "@ottla/runtime";
import type { MemberIdentity } from "./membership.ts";

/** How a beat is made, and how often. */
export interface Beat {
  readonly intervalMs: number;
  /** One heartbeat in the name of `identity`. @throws KafkaError what the coordinator answers */
  send(identity: MemberIdentity): Promise<void>;
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
  readonly #beat: Beat;
  readonly #listener: HeartbeatListener;
  #identity: MemberIdentity | undefined;
  #timer: Timer | undefined;
  #dueAtMs = 0;
  #failures = 0;
  #isUnderWay = false;
  /** Another one is wanted as soon as the one under way has ended. */
  #isWantedAgain = false;

  constructor(client: ClusterClient, beat: Beat, listener: HeartbeatListener) {
    this.#client = client;
    this.#beat = beat;
    this.#listener = listener;
  }

  /** Beats for `identity` from now on, which the coordinator has just heard of. */
  start(identity: MemberIdentity): void {
    if (this.#identity !== undefined && sameIdentity(this.#identity, identity)) return;
    this.#identity = identity;
    this.#failures = 0;
    this.#schedule(this.#beat.intervalMs);
  }

  stop(): void {
    this.#identity = undefined;
    this.#timer?.cancel();
  }

  /** Beats now if it is time. */
  pulse(): void {
    if (this.#identity !== undefined && this.#now() >= this.#dueAtMs) void this.#beatNow(this.#identity);
  }

  /** Beats now, or right after the one that is under way: there is something to tell. */
  hurry(): void {
    if (this.#identity === undefined) return;
    if (this.#isUnderWay) this.#isWantedAgain = true;
    else void this.#beatNow(this.#identity);
  }

  #now(): number {
    return this.#client.runtime.clock.monotonicMs();
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#dueAtMs = this.#now() + delayMs;
    // The timer's word is enough: by the clock it may come a fraction of a millisecond early.
    this.#timer = this.#client.runtime.timers.schedule(delayMs, () => this.hurry(), { keepAlive: true });
  }

  /** Whatever becomes of this one, another is scheduled: also where the last one is still waited for. */
  async #beatNow(identity: MemberIdentity): Promise<void> {
    this.#schedule(this.#beat.intervalMs);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#isWantedAgain = false;
    try {
      await this.#beat.send(identity);
      this.#onAccepted(identity);
    } catch (error) {
      this.#onError(error, identity);
    } finally {
      this.#isUnderWay = false;
    }
    if (this.#isWantedAgain) this.hurry();
  }

  #onAccepted(identity: MemberIdentity): void {
    if (this.#identity !== identity) return;
    this.#failures = 0;
    this.#listener.onAccepted();
  }

  #onError(error: unknown, identity: MemberIdentity): void {
    if (this.#identity !== identity) return;
    const failure = toKafkaError(error);
    // The consumer was closed before it could leave: nobody beats for it any more.
    if (this.#client.isClosed) this.stop();
    else if (isRetriable(failure)) this.#tryAgain(failure);
    else this.#listener.onRefused(failure, identity);
  }

  #tryAgain(failure: KafkaError): void {
    this.#failures++;
    this.#schedule(Math.min(this.#client.retryBackoffMs(this.#failures), this.#beat.intervalMs));
    this.#listener.onFailed(failure);
  }
}

function sameIdentity(a: MemberIdentity, b: MemberIdentity): boolean {
  return a.memberId === b.memberId && a.generationId === b.generationId;
}
