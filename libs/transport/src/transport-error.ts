import { ErrorCode, KafkaError } from "@ottla/protocol/client";

/** The connection broke, or could not be made. Retriable: another connection, or the same one later, may work. */
export function networkError(message: string, cause?: unknown): KafkaError {
  return new KafkaError(message, {
    code: "NETWORK_EXCEPTION",
    retriable: true,
    cause,
  });
}

/** The code of {@link sslError}. */
export const SSL_HANDSHAKE_FAILED = "SSL_HANDSHAKE_FAILED";

/** One side does not trust the other, or speaks no TLS: trying again cannot help. */
export function sslError(message: string, cause: unknown): KafkaError {
  return new KafkaError(message, { code: SSL_HANDSHAKE_FAILED, errno: ErrorCode.NETWORK_EXCEPTION, cause });
}

/** The other side does not keep to the protocol: what is carried, not the carrier, is at fault. */
export function protocolViolation(message: string, cause?: unknown): KafkaError {
  return new KafkaError(message, { code: "PROTOCOL_VIOLATION", errno: ErrorCode.INVALID_REQUEST, cause });
}

/** Something took longer than it was given. Retriable. */
export function timeoutError(message: string): KafkaError {
  return new KafkaError(message, { code: "REQUEST_TIMED_OUT", retriable: true });
}

/** The address or a setting is wrong: trying again with the same one cannot help. */
export function configError(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_CONFIG" });
}

/** The caller gave up through its AbortSignal. `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): KafkaError {
  return new KafkaError("Aborted by the caller's signal.", { code: "ABORTED", cause: signal.reason });
}

/** What an unknown thrown value says, for messages. */
export function describeCause(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** A size prefix that no frame may have. The peer is broken or speaks something else: the connection is closed. */
export class FrameSizeError extends KafkaError {
  override readonly name = "FrameSizeError";
  readonly sizeBytes: number;
  readonly maxBytes: number;

  constructor(sizeBytes: number, maxBytes: number) {
    super(
      sizeBytes < 0
        ? `A frame announces ${sizeBytes} bytes: this is not the Kafka protocol.`
        : `A frame announces ${sizeBytes} bytes, more than the ${maxBytes} that are allowed: it is too large, or this is not the Kafka protocol.`,
      { code: sizeBytes < 0 ? "NEGATIVE_FRAME_SIZE" : "FRAME_TOO_LARGE", errno: ErrorCode.INVALID_REQUEST },
    );
    this.sizeBytes = sizeBytes;
    this.maxBytes = maxBytes;
  }
}
