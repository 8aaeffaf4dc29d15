import { ConfigError, DataDirectoryError, StartupError } from "@ottla/broker";
import { DiskError, type DiskErrorCode } from "@ottla/runtime";
import { ListenError } from "@ottla/transport/node";

const DISK_ADVICE: Readonly<Partial<Record<DiskErrorCode, string>>> = {
  ACCESS_DENIED: "this user may not write there; give it the right, or choose another directory with log.dirs",
  NOT_FOUND: "it is not there and cannot be made; choose another directory with log.dirs",
  NO_SPACE: "the disk is full; make room, or choose another directory with log.dirs",
  TOO_MANY_OPEN_FILES: "too many files are open; raise the limit (ulimit -n)",
};

/** Why a broker did not start, for a person: a line for each thing to mend. */
export function explainStartFailure(error: unknown, dataDirectory: string | null): string {
  if (error instanceof ConfigError || error instanceof StartupError || error instanceof ListenError)
    return error.message;
  if (error instanceof DataDirectoryError)
    return explainStartFailure(error.cause, dataDirectory && error.directoryName);
  if (!(error instanceof DiskError)) return error instanceof Error ? error.message : String(error);
  if (error.code === "LOCKED") {
    return `two brokers cannot share a data directory: ${dataDirectory} is in use (${error.message})`;
  }
  if (isNotDirectory(error)) return `${dataDirectory} is not a directory; choose another one with log.dirs`;
  return `the data directory ${dataDirectory} cannot be used: ${DISK_ADVICE[error.code] ?? error.message}`;
}

/** A file is where the directory, or one above it, should be. */
function isNotDirectory({ code, cause }: DiskError): boolean {
  return code === "EXISTS" || (cause instanceof Error && "code" in cause && cause.code === "ENOTDIR");
}
