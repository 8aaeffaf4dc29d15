import type { LogDirReplica } from "./log-dirs.ts";
import type { PartitionReassignment } from "./reassignments.ts";

/** How far a reassignment is. */
export interface ReassignmentProgress {
  /** Of the largest replica that was there before: what each of those that come has to get. */
  readonly wholeBytes: number;
  /** What those that come have got of it together. */
  readonly copiedBytes: number;
  /** What they have to get together; 0 where no broker tells, or none comes. */
  readonly wantedBytes: number;
}

interface HeldReplicas {
  readonly broker: number;
  readonly replicas: readonly LogDirReplica[];
}

/** Sizes tell how far it is: a replica that comes is copied from its beginning. */
export function reassignmentProgress(
  { topic, partition, replicas, addingReplicas }: PartitionReassignment,
  logDirs: readonly HeldReplicas[],
): ReassignmentProgress {
  const sizeOn = (brokerId: number) =>
    Math.max(
      0,
      ...logDirs
        .filter(({ broker }) => broker === brokerId)
        .flatMap(({ replicas: held }) => held)
        .filter((replica) => replica.topic === topic && replica.partition === partition && !replica.isFuture)
        .map(({ sizeBytes }) => sizeBytes),
    );
  const wholeBytes = Math.max(0, ...replicas.filter((id) => !addingReplicas.includes(id)).map(sizeOn));
  const copiedBytes = addingReplicas.reduce((sum, id) => sum + Math.min(sizeOn(id), wholeBytes), 0);
  return { wholeBytes, copiedBytes, wantedBytes: wholeBytes * addingReplicas.length };
}
