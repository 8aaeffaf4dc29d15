import type { LogDir, PartitionReassignment } from "@ottla/admin";
import { reassignmentProgress } from "@ottla/admin/internal";

/** A partition that is being moved, and how far it is. */
export interface ReassignmentState extends PartitionReassignment {
  /** Of the largest replica that was there before: what those that come have to get. */
  readonly sizeBytes: number;
  /** 0 to 1. */
  readonly share: number;
}

export function progressOf(
  ongoing: readonly PartitionReassignment[],
  logDirs: readonly Pick<LogDir, "broker" | "replicas">[],
): ReassignmentState[] {
  return ongoing.map((reassignment) => {
    const { wholeBytes, copiedBytes, wantedBytes } = reassignmentProgress(reassignment, logDirs);
    return { ...reassignment, sizeBytes: wholeBytes, share: wantedBytes === 0 ? 1 : copiedBytes / wantedBytes };
  });
}
