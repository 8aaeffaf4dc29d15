import { type Admin, type LogDir, PartialFailureError, type PartitionReassignment } from "@ottla/admin";

/** A reassignment that is under way, and how far it is. */
export interface ReassignmentState extends PartitionReassignment {
  /** Bytes that those that come have, of those that they shall have; 0 of 0 where no broker tells. */
  readonly copiedBytes: number;
  readonly wantedBytes: number;
}

/** Only the controller knows, and there may be none: nobody is waited for longer. */
const TIMEOUT_MS = 5_000;

/** What is under way; null where no controller tells, and before Kafka 2.4. */
export async function ongoingReassignments(admin: Admin): Promise<ReassignmentState[] | null> {
  const ongoing = await admin.listPartitionReassignments({ timeoutMs: TIMEOUT_MS }).catch(() => null);
  if (ongoing === null) return null;
  if (ongoing.length === 0) return [];
  const partitions = ongoing.map(({ topic, partition }) => ({ topic, partition }));
  const logDirs = await admin.describeLogDirs({ partitions }).catch((error) => {
    if (error instanceof PartialFailureError) return error.results as LogDir[];
    throw error;
  });
  return ongoing.map((each) => withProgress(each, logDirs));
}

/** @internal The largest replica that is there already is what the others come to. */
export function withProgress(reassignment: PartitionReassignment, logDirs: readonly LogDir[]): ReassignmentState {
  const { topic, partition, replicas, addingReplicas } = reassignment;
  const sizeOf = (brokerId: number) =>
    Math.max(
      0,
      ...logDirs
        .filter(({ broker }) => broker === brokerId)
        .flatMap(({ replicas: held }) => held)
        .filter((replica) => replica.topic === topic && replica.partition === partition && !replica.isFuture)
        .map(({ sizeBytes }) => sizeBytes),
    );
  const wholeBytes = Math.max(0, ...replicas.filter((id) => !addingReplicas.includes(id)).map(sizeOf));
  const copied = addingReplicas.map((id) => Math.min(sizeOf(id), wholeBytes));
  return {
    ...reassignment,
    copiedBytes: copied.reduce((sum, bytes) => sum + bytes, 0),
    wantedBytes: wholeBytes * addingReplicas.length,
  };
}
