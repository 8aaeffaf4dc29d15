import type { KafkaError, TroubleEvents } from "@ottla/client";
import { EventHub } from "@ottla/client/internal";
import { openChannel } from "#diagnostics";
import type { MembershipState } from "./group/membership.ts";
import type { OffsetToCommit } from "./offsets/offset-types.ts";
import type { TopicPartition } from "./topic-partition.ts";

/**
 * Why a position was set by the reset policy: nothing was committed; the broker does not have that offset; or the
 * leader's log was cut back behind it (KIP-320).
 */
export type ResetReason = "noCommittedOffset" | "outOfRange" | "truncated";

/** What a consumer tells of, by name. */
export interface ConsumerEvents extends TroubleEvents {
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
  /** The consumer has ended because of an error that trying again does not heal; reading throws the same error. */
  failed: { readonly error: KafkaError };
}

/** Whose events they are. */
export interface EventSource {
  readonly clientId: string;
  readonly groupId: string | null;
}

export const CONSUMER_EVENTS: Readonly<Record<keyof ConsumerEvents, true>> = {
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

export type ConsumerEventHub = EventHub<ConsumerEvents>;

/** Events of all consumers are published as `ottla:consumer:<event>`, too, where the platform has such channels. */
export const createEventHub = (source: EventSource): ConsumerEventHub =>
  new EventHub("ottla:consumer:", source, openChannel);
