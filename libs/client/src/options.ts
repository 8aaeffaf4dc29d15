import { createSystemRuntime, type Logger, type Runtime } from "@ottla/runtime";
import {
  type Authenticate,
  type BrokerAddress,
  type Connector,
  createDefaultConnector,
  createSaslAuthentication,
  type SaslOptions,
  type SslOptions,
} from "@ottla/transport";
import { invalidOption, isText, wrongOption } from "./errors.ts";

/** What every Ottla SDK client is configured with. Names and defaults are those of Kafka's client configs. */
export interface ClientOptions {
  /**
   * Where to find the cluster (`bootstrap.servers`): `host:port` (TCP, Node.js only) or a `ws://` or `wss://` URL
   * (anywhere). One, an array, or several in one string with commas between them; all of the same kind. They are only
   * used to learn of the cluster's brokers.
   */
  readonly bootstrapServers: string | readonly string[];
  /** Name of this client in the broker's logs and quotas (`client.id`). Default `"ottla"`. */
  readonly clientId?: string;
  /** The longest wait for the answer to one request (`request.timeout.ms`). Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** The longest time that one operation may take, its retries included (`default.api.timeout.ms`). Default 60,000. */
  readonly defaultApiTimeoutMs?: number;
  /** The longest wait for a connection (`socket.connection.setup.timeout.ms`), doubled by each failure. Default 10,000. */
  readonly connectionSetupTimeoutMs?: number;
  /** Where that doubling ends (`socket.connection.setup.timeout.max.ms`). Default 30,000. */
  readonly connectionSetupTimeoutMaxMs?: number;
  /** The first wait before connecting again to a broker that failed (`reconnect.backoff.ms`). Default 50. */
  readonly reconnectBackoffMs?: number;
  /** The longest such wait (`reconnect.backoff.max.ms`): it doubles with each failure, ±20%. Default 1,000. */
  readonly reconnectBackoffMaxMs?: number;
  /** The first wait before a request that failed is sent again (`retry.backoff.ms`). Default 100. */
  readonly retryBackoffMs?: number;
  /** The longest such wait (`retry.backoff.max.ms`): it doubles with each failure, ±20%. Default 1,000. */
  readonly retryBackoffMaxMs?: number;
  /** How old the view of the cluster may grow before it is refreshed unasked (`metadata.max.age.ms`). Default 300,000. */
  readonly metadataMaxAgeMs?: number;
  /** How long a connection may be idle before it is closed (`connections.max.idle.ms`). Default 540,000. */
  readonly connectionsMaxIdleMs?: number;
  /** Where log lines go. Default: nowhere. */
  readonly logger?: Logger;
  /** Clock, timers and randomness. Default: the platform's. */
  readonly runtime?: Runtime;
  /**
   * TLS: `true`, or its options (`ca`, `cert` and `key` for mTLS, `servername` …). Over TCP the default is none; a
   * `wss://` URL means TLS by itself. Browsers use their own certificates and take no options.
   */
  readonly ssl?: boolean | SslOptions;
  /** How the client proves who it is. Default: not at all. */
  readonly sasl?: SaslOptions;
  /** How connections are opened, in place of `ssl`. Default: TCP and WebSocket in Node.js, WebSocket elsewhere. */
  readonly connector?: Connector;
  /**
   * Runs on each new connection before anything but version negotiation is sent on it: for mechanisms that `sasl` does
   * not know. Default: none.
   */
  readonly authenticate?: Authenticate;
}

/** {@link ClientOptions} with the defaults filled in; what concerns addresses and transport stays out. */
export interface ClientSettings {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly defaultApiTimeoutMs: number;
  readonly connectionSetupTimeoutMs: number;
  readonly connectionSetupTimeoutMaxMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  readonly connectionsMaxIdleMs: number;
}

const DEFAULT_SETTINGS: ClientSettings = {
  clientId: "ottla",
  requestTimeoutMs: 30_000,
  defaultApiTimeoutMs: 60_000,
  connectionSetupTimeoutMs: 10_000,
  connectionSetupTimeoutMaxMs: 30_000,
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1_000,
  metadataMaxAgeMs: 300_000,
  connectionsMaxIdleMs: 540_000,
};

/** Fills in the defaults and checks the numbers. @throws KafkaError `INVALID_CONFIG` that names the option */
export function resolveSettings(options: ClientOptions): ClientSettings {
  const settings: Record<string, string | number> = { ...DEFAULT_SETTINGS };
  for (const name of Object.keys(DEFAULT_SETTINGS) as (keyof ClientSettings)[]) {
    const given = options[name];
    if (given === undefined) continue;
    settings[name] = checked(name, given);
  }
  return settings as unknown as ClientSettings;
}

function checked(name: keyof ClientSettings, value: unknown): string | number {
  if (name === "clientId") {
    if (isText(value)) return value;
    throw invalidOption(name, value, "a string");
  }
  return name === "requestTimeoutMs" ? wholeNumber(name, value, 1) : positiveNumber(name, value);
}

/** `value` if it is a number above zero (Infinity allowed). @throws KafkaError `INVALID_CONFIG` */
export function positiveNumber(name: string, value: unknown): number {
  if (typeof value === "number" && value > 0) return value;
  throw invalidOption(name, value, "a number above 0");
}

/** `value` if it is a number, zero or above. @throws KafkaError `INVALID_CONFIG` */
export function nonNegativeNumber(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw invalidOption(name, value, "a number of at least 0");
}

/** `value` if it is true or false; what is left out is `otherwise`. @throws KafkaError `INVALID_CONFIG` */
export function trueOrFalse(name: string, value: unknown, otherwise: boolean): boolean {
  const given = value ?? otherwise;
  if (typeof given === "boolean") return given;
  throw invalidOption(name, value, "true or false");
}

/** `value` if it is a text with something in it; what is left out is null. @throws KafkaError `INVALID_CONFIG` */
export function nameOrNull(name: string, value: unknown): string | null {
  const given = value ?? null;
  if (given === null || (isText(given) && given)) return given;
  throw invalidOption(name, value, "a string, not empty");
}

const INT32_MAX = 2 ** 31 - 1;

/** `value` if it is a number that goes into requests: whole, and no more than 32 bits. @throws KafkaError `INVALID_CONFIG` */
export function wholeNumber(name: string, value: unknown, min: 0 | 1): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= INT32_MAX) return value as number;
  throw invalidOption(name, value, `a whole number from ${min} to ${INT32_MAX}`);
}

/** @throws KafkaError `INVALID_CONFIG` where a value, as given, has no such method */
export function requireMethod(name: string, value: unknown, method: string): void {
  if (typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[method] === "function") return;
  throw invalidOption(name, value, `an object with a method ${method}`);
}

/** The runtime to use: the given one, or the platform's, in both cases with the given logger. */
export function resolveRuntime(options: Pick<ClientOptions, "runtime" | "logger">): Runtime {
  const runtime = options.runtime ?? createSystemRuntime();
  if (!runtime.clock) throw invalidOption("runtime", runtime, "an object with a clock");
  const logger = options.logger ?? runtime.logger;
  requireMethod("logger", logger, "info");
  return { ...runtime, logger };
}

/** How connections are opened. @throws KafkaError `INVALID_CONFIG` when `ssl` does not fit in with the addresses */
export function resolveConnector(
  { connector, ssl }: Pick<ClientOptions, "connector" | "ssl">,
  bootstrap: readonly BrokerAddress[],
  runtime: Runtime,
): Connector {
  if (connector) requireMethod("connector", connector, "connect");
  if (!ssl) return connector ?? createDefaultConnector(runtime);
  if (ssl !== true && typeof ssl !== "object") throw invalidOption("ssl", ssl, "true, false or an object");
  if (connector) throw wrongOption("ssl cannot be used together with a connector, which does TLS itself.");
  if (bootstrap.some(({ url }) => url?.startsWith("ws:"))) {
    throw wrongOption("ssl is set, but bootstrapServers has a ws:// URL: use wss://.");
  }
  return createDefaultConnector(runtime, { ssl });
}

/** What proves who the client is; undefined for nothing. @throws KafkaError `INVALID_CONFIG` */
export function resolveAuthentication(
  { authenticate, sasl }: Pick<ClientOptions, "authenticate" | "sasl">,
  runtime: Runtime,
): Authenticate | undefined {
  if (authenticate && typeof authenticate !== "function")
    throw invalidOption("authenticate", authenticate, "a function");
  if (!sasl) return authenticate ?? undefined;
  if (authenticate) throw wrongOption("sasl and authenticate exclude each other.");
  return createSaslAuthentication(sasl, runtime);
}
