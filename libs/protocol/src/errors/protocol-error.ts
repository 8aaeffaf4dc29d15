import { ErrorCode } from "./error-code.ts";
import { KafkaError } from "./kafka-error.ts";

/** Something about the bytes of the protocol: what was read cannot be decoded, or what is to be written cannot be encoded. */
export class ProtocolError extends KafkaError {
  override readonly name: string = "ProtocolError";
}

/**
 * Bytes that are no valid message: truncated, a length that the frame cannot hold, null where null is not allowed.
 * The peer that sent them is broken or speaks something else, so a connection that sees this error is closed.
 */
export class MalformedFrameError extends ProtocolError {
  override readonly name = "MalformedFrameError";

  constructor(message: string, cause?: unknown) {
    super(message, { code: "MALFORMED_FRAME", errno: ErrorCode.INVALID_REQUEST, cause });
  }

  /** The same error, said to have happened inside `where`. */
  within(where: string): MalformedFrameError {
    return new MalformedFrameError(`${where}: ${this.message}`, this.cause);
  }
}

/** A message was to be encoded or decoded in a version that does not exist or cannot carry a field that is set. */
export class UnsupportedVersionError extends ProtocolError {
  override readonly name = "UnsupportedVersionError";

  constructor(message: string) {
    super(message, { code: "UNSUPPORTED_VERSION" });
  }
}

/** A value that cannot be encoded: of the wrong type, out of its field's range, or null where null is not allowed. */
export class InvalidValueError extends ProtocolError {
  override readonly name = "InvalidValueError";

  constructor(message: string, cause?: unknown) {
    super(message, { code: "INVALID_ARGUMENT", errno: ErrorCode.INVALID_REQUEST, cause });
  }

  /** The same error, said to have happened inside `where`. */
  within(where: string): InvalidValueError {
    return new InvalidValueError(`${where}: ${this.message}`, this.cause);
  }
}
