import type { DiskError } from "@ottla/runtime";

/** Failures that pass, and that leave what was written before as it is: a full disk, too many open files. */
export function isTransient(error: DiskError): boolean {
  return error.code === "NO_SPACE" || error.code === "TOO_MANY_OPEN_FILES";
}
