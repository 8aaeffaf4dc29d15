import type { TopicPartition } from "./topic-partition.ts";

/**
 * Told of partitions that come and go in a group. Each function is awaited before things go on; what it throws is
 * thrown to the loop that reads, as `REBALANCE_LISTENER_FAILED`.
 *
 * `close` and `unsubscribe` may be called, and awaited, here: they settle at once, and what they begin goes on when the
 * function has returned: `close` has committed nothing yet then (close again elsewhere to wait for the end of it), and what
 * is subscribed or assigned before `unsubscribe` is done is refused with `INVALID_STATE`. In a browser that is known of calls before the function's first `await` only; do not await
 * them there after it.
 */
export interface RebalanceListener {
  /** Partitions are about to be read: the time to load state, or to `seek`. Also called when none were assigned. */
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /**
   * Partitions are about to go, and still are this consumer's, also where it is being closed: the time to save state, or
   * to `commit`. With `autoCommit` the offsets of processed records were committed just before.
   */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Partitions went without warning: another member may read them already, and commits for them are refused. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}
