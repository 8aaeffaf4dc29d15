import { invalidArgument } from "@ottla/client/internal";
import type { TopicPartition } from "./topic-partition.ts";

/**
 * Told of partitions that come and go in a group. Each function is awaited before things go on; what it throws is
 * thrown to the loop that reads, as `REBALANCE_LISTENER_FAILED`.
 */
export interface RebalanceListener {
  /** Partitions are about to be read: the time to load state, or to `seek`. Also called when none were assigned. */
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /**
   * Partitions are about to go, and still are this consumer's: the time to save state, or to `commit`. With
   * `autoCommit` the offsets of processed records were committed just before.
   */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Partitions went without warning: another member may read them already, and commits for them are refused. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

/** @throws KafkaError `INVALID_ARGUMENT` */
export function checkListener(listener: RebalanceListener): void {
  const isRight = (["onAssigned", "onRevoked", "onLost"] as const).every((name) => {
    return ["function", "undefined"].includes(typeof listener?.[name]);
  });
  if (isRight && typeof listener === "object" && listener !== null) return;
  throw invalidArgument("A rebalance listener is an object with functions: { onAssigned, onRevoked, onLost }.");
}
