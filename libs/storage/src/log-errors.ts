import { ErrorCode } from "@ottla/protocol";

/** What is wrong with one record of a batch (KIP-467). */
export interface RecordError {
  /** The index of the record in its batch: `BatchIndex` in the produce response. */
  readonly batchIndex: number;
  readonly message: string;
}

/** Thrown by `appendAsLeader`: nothing of the call was appended. `errno` is Kafka's error code. */
export class AppendRejected extends Error {
  readonly errno: number;
  /** Which records are at fault. Empty where the batch is refused for its header, whatever the records. */
  readonly recordErrors: readonly RecordError[];

  constructor(errno: number, message: string, recordErrors: readonly RecordError[] = []) {
    super(message);
    this.name = "AppendRejected";
    this.errno = errno;
    this.recordErrors = recordErrors;
  }
}

/** Thrown by `read` for an offset outside the log. */
export class OffsetOutOfRange extends Error {
  readonly errno = ErrorCode.OFFSET_OUT_OF_RANGE;
  readonly requestedOffset: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;

  constructor(requestedOffset: number, logStartOffset: number, logEndOffset: number) {
    super(`offset ${requestedOffset} is outside the log's range [${logStartOffset}, ${logEndOffset}]`);
    this.name = "OffsetOutOfRange";
    this.requestedOffset = requestedOffset;
    this.logStartOffset = logStartOffset;
    this.logEndOffset = logEndOffset;
  }
}

/** Thrown by every operation on a log that was closed, deleted or taken offline by a failing disk. */
export class LogUnavailable extends Error {
  /** NOT_LEADER_OR_FOLLOWER for a log that was closed, KAFKA_STORAGE_ERROR for one whose disk failed. */
  readonly errno: number;

  constructor(errno: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "LogUnavailable";
    this.errno = errno;
  }
}

/** Why nothing can be read or written where a log directory has failed. */
export function offlineMessage({ message }: Error): string {
  return `the log directory is offline, for its disk failed: ${message}`;
}

export function logOffline(cause: Error): LogUnavailable {
  return new LogUnavailable(ErrorCode.KAFKA_STORAGE_ERROR, offlineMessage(cause), { cause });
}

/** A partition's directory belongs to another topic of the same name, which has been deleted meanwhile. */
export class InconsistentTopicId extends Error {
  readonly errno = ErrorCode.INCONSISTENT_TOPIC_ID;
  readonly foundTopicId: string;

  constructor(directory: string, foundTopicId: string, expectedTopicId: string) {
    super(`${directory} belongs to topic id ${foundTopicId}, not to ${expectedTopicId}: delete that log first`);
    this.name = "InconsistentTopicId";
    this.foundTopicId = foundTopicId;
  }
}

/** A file of the log directory that is not what its name says. `path` is the file's. */
export class LogDirectoryCorrupt extends Error {
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path} cannot be used: ${problem}`);
    this.name = "LogDirectoryCorrupt";
    this.path = path;
    this.problem = problem;
  }
}
