import { configError } from "../transport-error.ts";

/** SASL mechanisms that prove a user's password. Names are Kafka's. */
export const PASSWORD_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

/** A user and a password: `PLAIN` sends both as they are (use TLS), the others prove the password without sending it. */
export interface PasswordSaslOptions {
  /** Which of them the broker offers (`sasl.enabled.mechanisms`). */
  readonly mechanism: (typeof PASSWORD_MECHANISMS)[number];
  /** The name of the user, or the id of the delegation token. */
  readonly username: string;
  /** The password, or the HMAC of the delegation token. */
  readonly password: string;
  /** SCRAM with a delegation token in place of a user (`tokenauth=true`): its id and HMAC. Default false. */
  readonly isDelegationToken?: boolean;
}

/** A bearer token, and what may be known of it. */
export interface OAuthBearerToken {
  /** The token as it goes over the wire: a JWT, mostly. */
  readonly value: string;
  /**
   * When it expires, in milliseconds since the epoch. Until four fifths of its life are over it then serves all
   * connections; without it, every authentication asks for a token.
   */
  readonly expiresAtMs?: number;
  /** SASL extensions (KIP-342), such as `{ logicalCluster: "lkc-1", identityPoolId: "pool-1" }`. */
  readonly extensions?: Readonly<Record<string, string>>;
}

/** Gives a token that is valid now. What it throws fails the connection attempt, which is then tried again. */
export type OAuthBearerTokenProvider = () => Promise<string | OAuthBearerToken>;

/** OAuth 2: a token that is fetched when it is needed, and again before the session that it began ends (KIP-368). */
export interface OAuthBearerSaslOptions {
  /** The one mechanism that takes tokens. */
  readonly mechanism: "OAUTHBEARER";
  /** Called whenever a token is needed. */
  readonly token: OAuthBearerTokenProvider;
}

/** How a client proves to brokers who it is (`sasl.mechanism`, `sasl.jaas.config`). */
export type SaslOptions = PasswordSaslOptions | OAuthBearerSaslOptions;

/**
 * Checks what cannot work. Nothing here repeats a value: it may be the secret, put into the wrong place.
 * @throws KafkaError INVALID_CONFIG that names the option
 */
export function checkSaslOptions(options: SaslOptions): void {
  const { mechanism } = options;
  if (mechanism === "OAUTHBEARER") {
    if (typeof options.token !== "function") throw configError("sasl.token must be a function that gives a token.");
    return;
  }
  if (!PASSWORD_MECHANISMS.includes(mechanism)) {
    throw configError(`sasl.mechanism must be one of ${[...PASSWORD_MECHANISMS, "OAUTHBEARER"].join(", ")}.`);
  }
  for (const name of ["username", "password"] as const) {
    if (typeof options[name] !== "string" || options[name] === "") {
      throw configError(`sasl.${name} must be a text that is not empty.`);
    }
  }
}
