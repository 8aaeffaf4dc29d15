import { ErrorCode } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import { type BrokerImage, brokerById, type MetadataImage } from "../image/metadata-image.ts";
import { refuse } from "./controller-state.ts";
import { duplicatesOf } from "./duplicates.ts";

/** Where the replicas of one new partition go, in order of preference. */
export type ReplicaAssignment = readonly number[];

/**
 * Places `count` new partitions: each broker in turn as the first replica, from a random one on, and the others in an
 * order that shifts with every round, so that the leaderships of a broker that goes are spread. No rack has two replicas
 * while another has none. Fenced brokers are taken only where there are too few others, and never first.
 */
export function placeReplicas(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  random: Random,
): ReplicaAssignment[] {
  const usable = [...image.brokers.values()].filter(({ inControlledShutdown }) => !inControlledShutdown);
  if (replicationFactor > usable.length) {
    throw refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${usable.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    );
  }
  const active = inTurnsOfRacks(usable.filter(({ fenced }) => !fenced));
  const fenced = inTurnsOfRacks(usable.filter((broker) => broker.fenced));
  if (active.length === 0) {
    throw refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): All brokers are currently fenced.`,
    );
  }
  const start = random.nextInt(active.length);
  return Array.from({ length: count }, (_, partition) => {
    const [first, ...others] = rotated(active, start + partition);
    const shift = Math.floor(partition / active.length);
    return spreadOverRacks(first!, [...rotated(others, shift), ...rotated(fenced, shift)], replicationFactor);
  });
}

/** The first broker, then always one of a rack that has the fewest replicas. */
function spreadOverRacks(first: BrokerImage, others: readonly BrokerImage[], replicationFactor: number): number[] {
  const chosen = [first];
  const left = [...others];
  while (chosen.length < replicationFactor) {
    const usesOf = ({ rack }: BrokerImage) => chosen.filter((other) => other.rack === rack).length;
    const best = left.reduce((a, b) => (isBetter(b, a, usesOf) ? b : a));
    left.splice(left.indexOf(best), 1);
    chosen.push(best);
  }
  return chosen.map(({ brokerId }) => brokerId);
}

function isBetter(a: BrokerImage, b: BrokerImage, usesOf: (broker: BrokerImage) => number): boolean {
  return a.fenced === b.fenced ? usesOf(a) < usesOf(b) : b.fenced;
}

/** Brokers by id, one of each rack in turn. */
function inTurnsOfRacks(brokers: readonly BrokerImage[]): BrokerImage[] {
  const racks = new Map<string | null, BrokerImage[]>();
  for (const broker of [...brokers].sort((a, b) => a.brokerId - b.brokerId)) {
    const rack = racks.get(broker.rack);
    if (rack === undefined) racks.set(broker.rack, [broker]);
    else rack.push(broker);
  }
  const longest = Math.max(0, ...[...racks.values()].map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => [...racks.values()].flatMap((rack) => rack[turn] ?? [])).flat();
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
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
