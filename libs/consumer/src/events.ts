import type { KafkaError } from "@ottla/client";
import { describe, invalidArgument } from "@ottla/client/internal";
import { openChannel } from "#diagnostics";
import type { DiagnosticsChannel } from "./diagnostics/contract.ts";
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
  /** A fetch was answered, with or without records. */
  fetch: {
    readonly brokerId: number;
    /** How many partitions it brought records of. */
    readonly partitions: number;
    /** Bytes of their record batches, as they are stored. */
    readonly sizeBytes: number;
    /** From the request to the answer; the broker may hold a fetch back for `fetchMaxWaitMs`. */
    readonly durationMs: number;
    /** For how long the broker is not asked again because of a quota, in milliseconds; 0 where none is exceeded. */
    readonly throttleTimeMs: number;
  };
  /**
   * How far the reader is behind, after a fetch: of each partition that it asked for, the offsets between the next
   * record to hand out and the end of the partition.
   */
  lag: { readonly partitions: readonly (TopicPartition & { readonly lag: number })[] };
  /** Something failed and is tried again. Restarts and moves of brokers show up here; by itself it is no cause for worry. */
  retry: { readonly operation: string; readonly error: KafkaError };
  /** What is tried again has failed for ten seconds by now: something is wrong. Told once, until it goes well again. */
  stall: { readonly operation: string; readonly error: KafkaError; readonly sinceMs: number };
  /** What was tried again went well. */
  recovered: { readonly operation: string };
  /** The consumer has ended because of an error that trying again does not heal; reading throws the same error. */
  failed: { readonly error: KafkaError };
}

/** Whose events they are. */
export interface EventSource {
  readonly clientId: string;
  readonly groupId: string | null;
}

const EVENTS: Readonly<Record<keyof ConsumerEvents, true>> = {
  membership: true,
  assigned: true,
  revoked: true,
  lost: true,
  reset: true,
  historyLost: true,
  commit: true,
  commitFailed: true,
  handlerHangs: true,
  fetch: true,
  lag: true,
  retry: true,
  stall: true,
  recovered: true,
  failed: true,
};

/** @throws KafkaError INVALID_ARGUMENT if there is no such event, which would never be told of */
export function requireEvent(name: unknown): void {
  if (typeof name === "string" && Object.hasOwn(EVENTS, name)) return;
  throw invalidArgument(
    `on takes the name of an event, and was given ${describe(name)}: ${Object.keys(EVENTS).join(", ")}.`,
  );
}

type Listener<E> = (event: E) => void;

/** Names of the channels are made of this and the event's name. */
const CHANNEL_PREFIX = "ottla:consumer:";

/**
 * Calls those who listen to an event, in the order in which they came. Where the platform has `diagnostics_channel`,
 * events are also published there.
 */
export class EventHub {
  readonly #listeners = new Map<keyof ConsumerEvents, Set<Listener<never>>>();
  readonly #channels = new Map<keyof ConsumerEvents, DiagnosticsChannel | undefined>();
  readonly #source: EventSource;

  /** @param source says on a channel, which all consumers of the process share, whose event it is */
  constructor(source: EventSource) {
    this.#source = source;
  }

  /** Whether anybody listens: events that take some work to make need not be made otherwise. */
  isHeard(name: keyof ConsumerEvents): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0 || this.#channel(name)?.hasSubscribers === true;
  }

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
    const channel = this.#channel(name);
    if (channel?.hasSubscribers) channel.publish({ ...this.#source, ...event });
  }

  #channel(name: keyof ConsumerEvents): DiagnosticsChannel | undefined {
    if (!this.#channels.has(name)) this.#channels.set(name, openChannel(`${CHANNEL_PREFIX}${name}`));
    return this.#channels.get(name);
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
