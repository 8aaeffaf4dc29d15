import { ErrorCode, KafkaError } from "@ottla/protocol/client";

/** An option that cannot be used: says which, what was given and what is allowed. Code `INVALID_CONFIG`. */
export function invalidOption(name: string, given: unknown, allowed: string): KafkaError {
  return wrongOption(`${name} is ${describe(given)}; it must be ${allowed}.`);
}

/** Options that cannot be used, in words. Code `INVALID_CONFIG`. */
export function wrongOption(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_CONFIG" });
}

/** An argument of a call that cannot be used. Code `INVALID_ARGUMENT`. */
export function invalidArgument(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_ARGUMENT", errno: ErrorCode.INVALID_REQUEST });
}

/** A name that no topic can have. Code `INVALID_TOPIC_EXCEPTION`, as Kafka's. */
export function invalidTopic(name: unknown): KafkaError {
  return KafkaError.fromCode(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic ${describe(name)}`);
}

/** Something took longer than it may. Code `REQUEST_TIMED_OUT`, retriable; `cause` is the last failure on the way. */
export function timedOut(what: string, timeoutMs: number, cause?: unknown): KafkaError {
  const root = rootOf(cause);
  const last = root instanceof Error ? ` The last failure was: ${root.message}` : "";
  return late(`${what} took longer than ${Math.round(timeoutMs)} ms.${last}`, cause);
}

/** Why something took longer than it may, in words. */
export function late(message: string, cause?: unknown): KafkaError {
  const code = "REQUEST_TIMED_OUT";
  return new KafkaError(message, { code, retriable: true, cause });
}

/** Why something took too long says more than that it did. */
function rootOf(error: unknown): unknown {
  return error instanceof KafkaError && error.errno === ErrorCode.REQUEST_TIMED_OUT && error.cause
    ? rootOf(error.cause)
    : error;
}

/** The client was closed, before or while the operation ran. Code `CLOSED`. */
export function clientClosed(what: string): KafkaError {
  return new KafkaError(`${what} is closed.`, { code: "CLOSED" });
}

/** The caller's signal ended the operation. Code `ABORTED`; `cause` is the signal's reason. */
export function aborted(signal: AbortSignal): KafkaError {
  return new KafkaError("Aborted by its AbortSignal.", { code: "ABORTED", cause: signal.reason });
}

/** `cause` as a KafkaError: itself if it is one, else wrapped with code `INTERNAL_ERROR`. */
export function toKafkaError(cause: unknown): KafkaError {
  if (cause instanceof KafkaError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError(`Unexpected: ${message}`, { code: "INTERNAL_ERROR", cause });
}

/** A part of a library that is there at once or has to be loaded; that it cannot be is a KafkaError too. */
export function loaded<T>(part: T | Promise<T>): T | Promise<T> {
  if (!(part instanceof Promise)) return part;
  return part.catch((cause: unknown) => {
    throw toKafkaError(cause);
  });
}

/** A value as errors show it. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value) + (isText(value) ? "" : " (half a surrogate)");
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "object" && value !== null ? kindOf(value) : String(value);
}

/** Whether it is a string that can be sent as it is: half a surrogate pair has no UTF-8, and would make it another name. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Cs}/u.test(value);
}

/** Never what is in it: it may hold secrets. */
function kindOf(value: object): string {
  return Array.isArray(value) ? (value.length === 0 ? "an empty list" : "a list") : "an object";
}
