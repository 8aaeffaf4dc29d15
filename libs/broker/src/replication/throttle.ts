import type { Clock } from "@ottla/runtime";
import type { Partition } from "../partition/partition.ts";
import { ReplicationQuota } from "./replication-quota.ts";

/**
 * Holds back what goes to replicas that are catching up, where the topic asks for it (KIP-73). Replicas in sync are never
 * held back: producers wait for those.
 */
export class LeaderThrottle {
  readonly #nodeId: number;
  readonly #quota: ReplicationQuota;

  constructor(nodeId: number, clock: Pick<Clock, "monotonicMs">, bytesPerSecond: () => number) {
    this.#nodeId = nodeId;
    this.#quota = new ReplicationQuota(clock, bytesPerSecond);
  }

  /** Whether a follower gets nothing of a partition now. */
  holdsBack(partition: Partition, followerId: number): boolean {
    return this.#concerns(partition, followerId) && this.#quota.isExceeded;
  }

  sent(partition: Partition, followerId: number, sizeBytes: number): void {
    if (sizeBytes > 0 && this.#concerns(partition, followerId)) this.#quota.record(sizeBytes);
  }

  #concerns({ config, partition, image }: Partition, followerId: number): boolean {
    return config.leaderThrottled.includes(partition, this.#nodeId) && !image.isr.includes(followerId);
  }
}

/** The same for what this broker fetches as a follower. */
export class FollowerThrottle {
  readonly #nodeId: number;
  readonly #quota: ReplicationQuota;

  constructor(nodeId: number, clock: Pick<Clock, "monotonicMs">, bytesPerSecond: () => number) {
    this.#nodeId = nodeId;
    this.#quota = new ReplicationQuota(clock, bytesPerSecond);
  }

  /** Whether any partition may be held back now. */
  get isExceeded(): boolean {
    return this.#quota.isExceeded;
  }

  /** Whether a partition is not fetched now. */
  holdsBack(partition: Partition): boolean {
    return this.#concerns(partition) && this.#quota.isExceeded;
  }

  received(partition: Partition, sizeBytes: number): void {
    if (sizeBytes > 0 && this.#concerns(partition)) this.#quota.record(sizeBytes);
  }

  #concerns({ config, partition, image }: Partition): boolean {
    return config.followerThrottled.includes(partition, this.#nodeId) && !image.isr.includes(this.#nodeId);
  }
}
