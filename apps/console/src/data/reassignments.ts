import type { LogDir, PartitionReassignment } from "@ottla/admin";

/** A replica that is on its way to a broker. */
export interface ArrivingReplica {
  readonly broker: number;
  readonly sizeBytes: number;
}

/** A partition that is being moved, and how far it is. */
export interface ReassignmentProgress extends PartitionReassignment {
  /** Of the largest replica: what those that come have to get. */
  readonly sizeBytes: number;
  readonly arriving: readonly ArrivingReplica[];
  /** 0 to 1. */
  readonly share: number;
}

/** Sizes tell how far it is: a replica that comes is copied from its beginning. */
export function progressOf(
  ongoing: readonly PartitionReassignment[],
  logDirs: readonly Pick<LogDir, "broker" | "replicas">[],
): ReassignmentProgress[] {
  const sizes = new Map<string, number>();
  for (const { broker, replicas } of logDirs) {
    for (const { topic, partition, sizeBytes } of replicas) sizes.set(`${broker} ${topic}-${partition}`, sizeBytes);
  }
  return ongoing.map((reassignment) => {
    const { topic, partition, replicas, addingReplicas } = reassignment;
    const sizeOn = (broker: number) => sizes.get(`${broker} ${topic}-${partition}`) ?? 0;
    const sizeBytes = Math.max(0, ...replicas.map(sizeOn));
    const arriving = addingReplicas.map((broker) => ({ broker, sizeBytes: sizeOn(broker) }));
    const copied = arriving.reduce((sum, replica) => sum + replica.sizeBytes, 0);
    const wanted = sizeBytes * arriving.length;
    return { ...reassignment, sizeBytes, arriving, share: wanted === 0 ? 1 : copied / wanted };
  });
}
