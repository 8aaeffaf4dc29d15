import { type Admin, type LogDir, PartialFailureError, type PartitionReassignment } from "@ottla/admin";
import { reassignmentProgress } from "@ottla/admin/internal";

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

/** @internal */
export function withProgress(reassignment: PartitionReassignment, logDirs: readonly LogDir[]): ReassignmentState {
  const { copiedBytes, wantedBytes } = reassignmentProgress(reassignment, logDirs);
  return { ...reassignment, copiedBytes, wantedBytes };
}
