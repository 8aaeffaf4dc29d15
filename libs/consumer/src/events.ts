import type { KafkaError } from "@ottla/client";
import type { MembershipState } from "./group/membership.ts";
import type { OffsetToCommit } from "./offsets/offset-types.ts";
import type { TopicPartition } from "./topic-partition.ts";

/**
 * Why a position was set by the reset policy: nothing was committed; the broker does not have that offset; or the
 * leader's log was cut back behind it (KIP-320).
 */
export type ResetReason = "noCommittedOffset" | "outOfRange" | "truncated";

/** What a consumer tells of, by name. */
export interface ConsumerEvents {
  /** The membership of the group went from one state to another. */
  membership: { readonly from: MembershipState; readonly to: MembershipState; readonly reason: string };
  /** Partitions were taken over. */
  assigned: { readonly partitions: readonly TopicPartition[]; readonly generationId: number };
  /** Partitions were given up in order. */
  revoked: { readonly partitions: readonly TopicPartition[] };
  /** Partitions went without warning. */
  lost: { readonly partitions: readonly TopicPartition[] };
  /** A position was set by `autoOffsetReset`; unless nothing was committed, a `historyLost` event goes before it. */
  reset: TopicPartition & {
    readonly reason: ResetReason;
    /** The position before; null if there was none. */
    readonly fromOffset: number | null;
    readonly toOffset: number;
  };
  /**
   * The partition does not have the records any more that were to be read next. `outOfRange`: those from `fromOffset`
   * up to `toOffset`, the first one there is, were deleted before they were read; or, where `toOffset` is the lower
   * one, it is where the log ends now. `truncated`: the log was cut back (unclean leader election); records from
   * `toOffset` up to `fromOffset` were read that are no more, and others may stand there now. Told with every
   * `autoOffsetReset`, also with `"none"`.
   */
  historyLost: TopicPartition & {
    readonly reason: Exclude<ResetReason, "noCommittedOffset">;
    readonly fromOffset: number;
    readonly toOffset: number;
  };
  /** Offsets were committed. */
  commit: { readonly offsets: readonly OffsetToCommit[] };
  /** A commit in the background failed. Nothing is lost: the next one covers the same records. */
  commitFailed: { readonly offsets: readonly OffsetToCommit[]; readonly error: KafkaError };
  /** The handler keeps what it was handed for longer than `maxPollIntervalMs`: the consumer is out of the group till then. */
  handlerHangs: { readonly maxPollIntervalMs: number };
  /** Something failed and is tried again. Restarts and moves of brokers show up here; by itself it is no cause for worry. */
  retry: { readonly operation: string; readonly error: KafkaError };
  /** What is tried again has failed for ten seconds by now: something is wrong. Told once, until it goes well again. */
  stall: { readonly operation: string; readonly error: KafkaError; readonly sinceMs: number };
  /** What was tried again went well. */
  recovered: { readonly operation: string };
  /** The consumer has ended because of an error that trying again does not heal; reading throws the same error. */
  failed: { readonly error: KafkaError };
}

type Listener<E> = (event: E) => void;

/** Calls those who listen to an event, in the order in which they came. */
export class EventHub {
  readonly #listeners = new Map<keyof ConsumerEvents, Set<Listener<never>>>();

  /** Calls `listener` at each event of that name; returns how to stop that. */
  on<N extends keyof ConsumerEvents>(name: N, listener: Listener<ConsumerEvents[N]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<N extends keyof ConsumerEvents>(name: N, event: ConsumerEvents[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) call(listener as Listener<ConsumerEvents[N]>, event);
  }
}

/** What a listener throws is its own affair: it is uncaught, as anywhere else, and does not get into the works here. */
function call<E>(listener: Listener<E>, event: E): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
