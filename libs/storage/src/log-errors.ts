/** Thrown by `appendAsLeader`: nothing of the call was appended. `errno` is Kafka's error code. */
export class AppendRejected extends Error {
  readonly errno: number;
  /** Which batches or records are at fault, by index in the call (KIP-467), where that is known. */
  readonly recordErrors: readonly { readonly batchIndex: number; readonly message: string }[];

  constructor(
    errno: number,
    message: string,
    recordErrors: readonly { readonly batchIndex: number; readonly message: string }[] = [],
  ) {
    super(message);
    this.name = "AppendRejected";
    this.errno = errno;
    this.recordErrors = recordErrors;
  }
}

/** Thrown by `read` for an offset outside the log. */
export class OffsetOutOfRange extends Error {
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
