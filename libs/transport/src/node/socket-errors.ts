import { networkError, sslError } from "../transport-error.ts";

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

/** Codes of OpenSSL and of Node.js's check of certificates. */
const SSL_CODES =
  /^(ERR_SSL_|ERR_TLS_CERT|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;
const SSL_EXPLANATIONS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS on this port",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "it asks for a certificate of the client: see ssl.cert and ssl.key",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: see ssl.ca",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate comes from an authority that is not trusted: see ssl.ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes from an authority that is not trusted: see ssl.ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from an authority that is not trusted: see ssl.ca",
};

/** What is wrong with a socket, in words. Retriable unless it is TLS that failed. */
export function socketError(what: string, error: Error): Error {
  const code = systemCode(error);
  if (code !== undefined && SSL_CODES.test(code)) {
    return sslError(`${what}: ${SSL_EXPLANATIONS[code] ?? error.message} (${code}).`, error);
  }
  const explanation = (code && EXPLANATIONS[code]) ?? error.message;
  return networkError(`${what}: ${explanation}${code ? ` (${code})` : ""}.`, error);
}
