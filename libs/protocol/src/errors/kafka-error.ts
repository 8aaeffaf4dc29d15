import { ErrorCode } from "./error-code.ts";
import { errorByCode } from "./error-info.ts";

/** Options of {@link KafkaError}. */
export interface KafkaErrorOptions {
  /**
   * Stable name to switch on: a Kafka error name (`"NOT_LEADER_OR_FOLLOWER"`), or a name of the
   * component that raised the error (`"MALFORMED_FRAME"`).
   */
  readonly code: string;
  /** Kafka's number of the error. Default: that of `code`; -1 (UNKNOWN_SERVER_ERROR) where Kafka has no such error. */
  readonly errno?: number;
  /** Whether the same operation may succeed when it is tried again; false by default. */
  readonly retriable?: boolean;
  /** The error below this one. */
  readonly cause?: unknown;
}

/**
 * Base class of every error that Ottla's libraries throw.
 *
 * `message` says what happened and what a person can do; programs look at `code` and `retriable`.
 */
export class KafkaError extends Error {
  /** The name of the class: `"KafkaError"`, or that of a subclass. */
  override readonly name: string = "KafkaError";
  /** Stable name of the error. */
  readonly code: string;
  /** Kafka's number of the error, -1 when no broker sends it. */
  readonly errno: number;
  /** Whether the same operation may succeed when it is tried again. */
  readonly retriable: boolean;

  constructor(message: string, options: KafkaErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.errno = options.errno ?? ErrorCode[options.code as keyof typeof ErrorCode] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    this.retriable = options.retriable ?? false;
  }

  /**
   * The error for a code that a broker sent.
   * @param errno the `errorCode` of a response
   * @param detail what it happened to, or the broker's own `errorMessage`; set before or after the general text
   */
  static fromCode(errno: number, detail?: string | null, cause?: unknown): KafkaError {
    const info = errorByCode(errno);
    const message = detail ? `${detail}: ${info.message}` : info.message;
    return new KafkaError(message, { code: info.name, errno, retriable: info.retriable, cause });
  }
}
