import type { DiskError, DiskErrorCode } from "@ottla/runtime";

/** Failures that pass, and that leave what was written before as it is: a full disk, too many open files. */
export function isTransient(error: DiskError): boolean {
  return error.code === "NO_SPACE" || error.code === "TOO_MANY_OPEN_FILES";
}

/**
 * After a failed sync nobody knows what is on disk, whatever it failed by, and no later one brings back what it lost. A file that
 * could not be opened was not synced.
 */
export function isFailedSync(error: DiskError): boolean {
  return error.code !== "TOO_MANY_OPEN_FILES";
}

const OF_THE_DISK: ReadonlySet<DiskErrorCode> = new Set(["IO", "ACCESS_DENIED", "NOT_FOUND"]);

/** Failures after which a directory cannot be used: the disk is broken, was taken away, or can only be read. */
export function isOfDisk(error: DiskError): boolean {
  return OF_THE_DISK.has(error.code);
}
