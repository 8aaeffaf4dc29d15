import { ErrorCode, KafkaError, saslAuthenticateApi, saslHandshakeApi } from "@ottla/protocol";
import type { Clock, Runtime } from "@ottla/runtime";
import { formatAddress } from "../address.ts";
import type { AuthenticationExchange } from "../client/connection-options.ts";
import type { SaslExchange } from "./exchange.ts";
import { oauthBearerExchange } from "./oauthbearer.ts";
import { plainExchange } from "./plain.ts";
import type { SaslOptions } from "./sasl-options.ts";
import { scramExchange } from "./scram.ts";
import { TokenSource } from "./token-source.ts";

/** No mechanism takes more steps; a broker that goes on asking is none. */
const STEPS_MAX = 4;
const NONCE_BYTES = 24;
/** From this version on the steps are ordinary requests. */
const HANDSHAKE_VERSION = 1;
/** A session is renewed after this share of its life, and up to so much later: not all connections at once. */
const RENEWED_AFTER_SHARE = 0.85;
const RENEWED_JITTER_SHARE = 0.1;
/** Brokers take no renewal within a second after the last one. */
const RENEWED_AFTER_MS_MIN = 1_100;

/** What an authentication works with; `tokens` is there for OAUTHBEARER. */
export interface SaslEnvironment {
  readonly options: SaslOptions;
  readonly tokens: TokenSource | null;
  readonly runtime: Pick<Runtime, "random">;
}

/** What gives all connections of a client their tokens; null for mechanisms without. */
export function tokensOf(options: SaslOptions, clock: Clock): TokenSource | null {
  return options.mechanism === "OAUTHBEARER" ? new TokenSource(options.token, clock) : null;
}

/** Runs the mechanism on a connection, and arranges for it to run again before the session ends (KIP-368). */
export async function authenticateWithSasl(connection: AuthenticationExchange, environment: SaslEnvironment) {
  const { mechanism } = environment.options;
  requireSasl(connection, mechanism);
  await chooseMechanism(connection, mechanism);
  const exchange = await exchangeOf(environment);
  const sessionLifetimeMs = await run(connection, exchange, mechanism);
  if (sessionLifetimeMs <= 0) return;
  const share = RENEWED_AFTER_SHARE + RENEWED_JITTER_SHARE * environment.runtime.random.nextFloat();
  connection.authenticateAgainIn(Math.max(sessionLifetimeMs * share, RENEWED_AFTER_MS_MIN));
}

function requireSasl(connection: AuthenticationExchange, mechanism: string): void {
  if (connection.supports(saslHandshakeApi) && connection.supports(saslAuthenticateApi)) return;
  const advice = "leave the option sasl out, or use the port of a listener that has it";
  throw failed(`${whereOf(connection)} has no SASL (${mechanism} was asked for): ${advice}.`);
}

async function chooseMechanism(connection: AuthenticationExchange, mechanism: string): Promise<void> {
  const options = { version: HANDSHAKE_VERSION };
  const { errorCode, mechanisms } = await connection.request(saslHandshakeApi, { mechanism }, options);
  if (errorCode === ErrorCode.NONE) return;
  if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) {
    const offered = mechanisms.length > 0 ? mechanisms.join(", ") : "none";
    throw KafkaError.fromCode(errorCode, `${whereOf(connection)} does not offer ${mechanism}; it offers ${offered}`);
  }
  throw KafkaError.fromCode(errorCode, `${whereOf(connection)} refused SASL with ${mechanism}`);
}

async function exchangeOf({ options, tokens, runtime }: SaslEnvironment): Promise<SaslExchange> {
  if (options.mechanism === "OAUTHBEARER") return oauthBearerExchange(await tokens!.get());
  const { mechanism, username, password, isDelegationToken = false } = options;
  if (mechanism === "PLAIN") return plainExchange(username, password);
  const hash = mechanism === "SCRAM-SHA-256" ? "SHA-256" : "SHA-512";
  const bytes = runtime.random.fill(new Uint8Array(NONCE_BYTES));
  const nonce = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return scramExchange({ hash, username, password, isDelegationToken, nonce });
}

/** @returns how long the session lasts, 0 for ever */
async function run(connection: AuthenticationExchange, exchange: SaslExchange, mechanism: string): Promise<number> {
  let message: Uint8Array | null = await exchange.first();
  for (let step = 0; step < STEPS_MAX; step++) {
    const response = await connection.request(saslAuthenticateApi, { authBytes: message });
    if (response.errorCode !== ErrorCode.NONE) {
      const reason = response.errorMessage ? `: ${response.errorMessage}` : "";
      throw KafkaError.fromCode(response.errorCode, `${whereOf(connection)}, ${mechanism}${reason}`);
    }
    message = await exchange.next(response.authBytes);
    if (message === null) return response.sessionLifetimeMs;
  }
  throw failed(`${whereOf(connection)} does not come to an end with ${mechanism}.`);
}

function whereOf(connection: AuthenticationExchange): string {
  return `The broker at ${formatAddress(connection.address)}`;
}

function failed(message: string): KafkaError {
  return new KafkaError(message, {
    code: "SASL_AUTHENTICATION_FAILED",
  });
}
