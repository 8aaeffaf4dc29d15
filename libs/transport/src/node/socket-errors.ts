import { networkError } from "../transport-error.ts";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (is the broker running, and is this its port?)",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up",
  ECONNRESET: "the other side reset the connection",
  EPIPE: "the other side closed the connection",
  ETIMEDOUT: "the network did not answer",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
};

/** The `code` that Node.js gives its system errors. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** A retriable error that says in words what the system's code means. */
export function socketError(what: string, error: Error): Error {
  const code = systemCode(error);
  const explanation = (code && EXPLANATIONS[code]) ?? error.message;
  return networkError(`${what}: ${explanation}${code ? ` (${code})` : ""}.`, error);
}
