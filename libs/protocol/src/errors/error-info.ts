import { proseOf } from "#error-prose";
import { ErrorCode, type ErrorName } from "./error-code.ts";
import { RETRIABLE_CODES } from "./retriable.ts";

/** One row of Kafka's error table. */
export interface ErrorInfo {
  /** The number on the wire. */
  readonly errno: number;
  /** Kafka's name of the error. */
  readonly name: ErrorName;
  /** Whether the same request may succeed when it is sent again, perhaps after a metadata refresh. */
  readonly retriable: boolean;
  /** One or two sentences: what happened and what a person can do about it. */
  readonly message: string;
}

const FIRST_CODE = ErrorCode.UNKNOWN_SERVER_ERROR;

/** Codes are dense from -1 up, so that a name is found by index. */
const names = /*#__PURE__*/ Object.keys(ErrorCode) as ErrorName[];

/**
 * The row for a code. A code that this table does not have yet (a newer broker) gives
 * UNKNOWN_SERVER_ERROR with that number, as in Kafka's own clients.
 */
export function errorByCode(errno: number): ErrorInfo {
  const name = names[errno - FIRST_CODE];
  if (name === undefined) {
    const message = `The broker sent error code ${errno}, which this client does not know; a newer client may.`;
    return { errno, name: "UNKNOWN_SERVER_ERROR", retriable: false, message };
  }
  return { errno, name, retriable: RETRIABLE_CODES.has(errno), message: proseOf(name) };
}
