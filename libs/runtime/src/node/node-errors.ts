import { DiskError, type DiskErrorCode } from "../disk.ts";

const CODE_BY_ERRNO: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: "NOT_FOUND",
  ENOTDIR: "NOT_FOUND",
  EEXIST: "EXISTS",
  ENOTEMPTY: "EXISTS",
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
  EACCES: "ACCESS_DENIED",
  EPERM: "ACCESS_DENIED",
  EROFS: "ACCESS_DENIED",
  EMFILE: "TOO_MANY_OPEN_FILES",
  ENFILE: "TOO_MANY_OPEN_FILES",
  EBADF: "CLOSED",
};

/** The platform's error code (`ENOENT`), or undefined where `error` has none. */
export function errnoOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
}

/** Turns what `node:fs` threw into the error of the disk port. */
export function toDiskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const code = CODE_BY_ERRNO[errnoOf(error) ?? ""] ?? "IO";
  const message = error instanceof Error ? error.message : String(error);
  return new DiskError(code, path, message, { cause: error });
}
