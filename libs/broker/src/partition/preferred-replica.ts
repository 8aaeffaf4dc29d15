import type { MetadataImage } from "@ottla/metadata";
import { brokerById } from "@ottla/metadata";
import type { Partition } from "./partition.ts";

/** Where a consumer is, and what it wants to read next. */
export interface ReaderPlace {
  /** `client.rack`. */
  readonly rackId: string;
  readonly fetchOffset: number;
}

/**
 * The replica that a consumer of this rack should read from, as Kafka's RackAwareReplicaSelector chooses it: this leader
 * where it is in the same rack, else the one there that has come furthest; the leader where there is none. Only replicas
 * in sync that have the offset come into question: one that lags would lag for its readers too (KIP-392).
 */
export function preferredReplica(
  partition: Partition,
  image: MetadataImage,
  { rackId, fetchOffset }: ReaderPlace,
): number {
  const { leaderId, log } = partition;
  const isNear = (brokerId: number) => {
    const broker = brokerById(image, brokerId);
    return broker !== undefined && !broker.fenced && broker.rack === rackId;
  };
  if (isNear(leaderId)) return leaderId;
  let best = leaderId;
  let bestEndOffset = Math.max(fetchOffset, log.logStartOffset) - 1;
  for (const brokerId of partition.image.isr) {
    const progress = partition.progressOf(brokerId);
    if (progress === undefined || !isNear(brokerId) || progress.logStartOffset > fetchOffset) continue;
    if (progress.logEndOffset <= bestEndOffset) continue;
    best = brokerId;
    bestEndOffset = progress.logEndOffset;
  }
  return best;
}
