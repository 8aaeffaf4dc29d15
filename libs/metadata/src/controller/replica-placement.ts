import { ErrorCode } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import { brokerById, type MetadataImage } from "../image/metadata-image.ts";
import { refuse } from "./controller-state.ts";
import { duplicatesOf } from "./duplicates.ts";

/** Where the replicas of one new partition go, in order of preference. */
export type ReplicaAssignment = readonly number[];

/**
 * Places `count` new partitions on the brokers that are not fenced, each broker in turn as the first replica, from a
 * random one on.
 */
export function placeReplicas(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  random: Random,
): ReplicaAssignment[] {
  const brokers = usableBrokers(image);
  if (replicationFactor > brokers.length) {
    throw refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    );
  }
  const start = random.nextInt(brokers.length);
  return Array.from({ length: count }, (_, partition) =>
    Array.from({ length: replicationFactor }, (_, replica) => brokers[(start + partition + replica) % brokers.length]!),
  );
}

function usableBrokers(image: MetadataImage): number[] {
  return [...image.brokers.values()]
    .filter((broker) => !broker.fenced && !broker.inControlledShutdown)
    .map((broker) => broker.brokerId)
    .sort((a, b) => a - b);
}

/** Checks an assignment that a client gave; `replicationFactor` is that of the partitions before, or null. */
export function checkManualAssignment(
  image: MetadataImage,
  replicas: ReplicaAssignment,
  replicationFactor: number | null,
): void {
  const problem = assignmentProblem(image, replicas, replicationFactor);
  if (problem !== null) {
    throw refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `The manual partition assignment includes ${problem}`);
  }
}

function assignmentProblem(
  image: MetadataImage,
  replicas: ReplicaAssignment,
  replicationFactor: number | null,
): string | null {
  if (replicas.length === 0) return "an empty replica list.";
  const [twice] = duplicatesOf(replicas);
  if (twice !== undefined) return `the broker ${twice} more than once.`;
  const unknown = replicas.find((broker) => brokerById(image, broker) === undefined);
  if (unknown !== undefined) return `broker ${unknown}, but no such broker is registered.`;
  if (replicationFactor === null || replicationFactor === replicas.length) return null;
  return `a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`;
}

/** The replicas that are in sync from the start: those whose brokers are not fenced. */
export function initialIsr(image: MetadataImage, replicas: ReplicaAssignment): number[] {
  return replicas.filter((id) => {
    const broker = brokerById(image, id);
    return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
  });
}
