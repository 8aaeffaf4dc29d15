import { configError } from "./transport-error.ts";

/** One or more certificates or keys: PEM text, or bytes (PEM or DER). */
export type PemOrDer = string | Uint8Array;

/**
 * How TLS is spoken with brokers. Names and meanings are those of Node.js's `tls.connect`, as in its Kafka clients, so
 * what works there works here; files are read by the program: `ca: await readFile("ca.pem")`.
 */
export interface SslOptions {
  /** Certificates of the authorities to trust (`ssl.truststore.*`); the platform's by default. */
  readonly ca?: PemOrDer | readonly PemOrDer[];
  /** The client's own certificate, with its chain (`ssl.keystore.*`): for brokers that ask for one (mTLS). */
  readonly cert?: PemOrDer | readonly PemOrDer[];
  /** The private key of `cert`. */
  readonly key?: PemOrDer;
  /** What `key` or `pfx` is encrypted with (`ssl.key.password`). */
  readonly passphrase?: string;
  /** Key and certificate in one PKCS#12 file, in place of `cert` and `key`. */
  readonly pfx?: Uint8Array;
  /** The name asked for (SNI) and looked for in the broker's certificate; the host of the address by default. */
  readonly servername?: string;
  /** Whether to refuse brokers whose certificate cannot be trusted. Default true; false gives anyone a way in between. */
  readonly rejectUnauthorized?: boolean;
  /** The oldest version of TLS to speak. Default: the platform's. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** The newest version of TLS to speak. Default: the platform's. */
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3";
  /** Cipher suites, as OpenSSL writes them. */
  readonly ciphers?: string;
}

const NAMES: ReadonlySet<string> = new Set<keyof SslOptions>([
  ...(["ca", "cert", "key", "passphrase", "pfx", "servername", "rejectUnauthorized", "minVersion"] as const),
  ...(["maxVersion", "ciphers"] as const),
]);

/**
 * The options that `ssl` stands for; undefined for none. Nothing here repeats a value: it may be a secret.
 * @throws KafkaError INVALID_CONFIG for what is no option of TLS, such as a misspelt one that would be passed over
 */
export function resolveSsl(ssl: boolean | SslOptions | undefined): SslOptions | undefined {
  if (ssl === undefined || ssl === false) return undefined;
  if (ssl === true) return {};
  if (typeof ssl !== "object" || ssl === null)
    throw configError("ssl must be true, false or an object of TLS options.");
  const unknown = Object.keys(ssl).find((name) => !NAMES.has(name));
  if (unknown === undefined) return ssl;
  throw configError(`ssl.${unknown} is not known; the options of TLS are ${[...NAMES].join(", ")}.`);
}
