/** ZooKeeper's error codes, by the numbers on the wire. */
export const ZOOKEEPER_ERRORS = {
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  /** The connection broke: what was sent may or may not have been done. */
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  /** The session is over; the operation was not done, unless it was sent before that was known. */
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  /** Another server holds the session now: nothing was done here. */
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  THROTTLED: -127,
} as const;

export type ZooKeeperErrorCode = keyof typeof ZOOKEEPER_ERRORS | "UNKNOWN_ERROR";

const codesByNumber = new Map<number, ZooKeeperErrorCode>(
  Object.entries(ZOOKEEPER_ERRORS).map(([code, number]) => [number, code as ZooKeeperErrorCode]),
);

/** An operation that ZooKeeper refused, or whose outcome is not known (`CONNECTION_LOSS`). */
export class ZooKeeperError extends Error {
  override readonly name = "ZooKeeperError";
  readonly code: ZooKeeperErrorCode;
  /** Of a multi-operation: the index of the one that failed. */
  readonly failedOperation: number | undefined;

  constructor(
    code: ZooKeeperErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly failedOperation?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.failedOperation = options?.failedOperation;
  }

  /** The error for a number from the wire. A number that this client does not know is an error like any other. */
  static fromNumber(number: number, what: string, failedOperation?: number): ZooKeeperError {
    const code = codesByNumber.get(number) ?? "UNKNOWN_ERROR";
    const named = code === "UNKNOWN_ERROR" ? `error ${number}` : code;
    return new ZooKeeperError(
      code,
      `ZooKeeper answered ${named} to ${what}`,
      failedOperation === undefined ? {} : { failedOperation },
    );
  }
}

/** Whether `error` is ZooKeeper's, with one of these codes. */
export function isZooKeeperError(error: unknown, ...codes: ZooKeeperErrorCode[]): error is ZooKeeperError {
  return error instanceof ZooKeeperError && codes.includes(error.code);
}
