import { KafkaError } from "@ottla/protocol/client";
import type { Clock } from "@ottla/runtime";
import { describeCause } from "../transport-error.ts";
import type { OAuthBearerToken, OAuthBearerTokenProvider } from "./sasl-options.ts";

/** The share of a token's life after which it is not used for new sessions. */
const USED_SHARE = 0.8;

/**
 * Gives tokens to all connections of a client: those that ask at one time share one call of the provider, and a token
 * that says when it expires is used until it is about to.
 */
export class TokenSource {
  readonly #provider: OAuthBearerTokenProvider;
  readonly #clock: Clock;
  #token: OAuthBearerToken | null = null;
  #usableUntilMs = 0;
  #running: Promise<OAuthBearerToken> | null = null;

  constructor(provider: OAuthBearerTokenProvider, clock: Clock) {
    this.#provider = provider;
    this.#clock = clock;
  }

  /** @throws KafkaError TOKEN_UNAVAILABLE, retriable, when the provider fails; a KafkaError of its own as it is */
  async get(): Promise<OAuthBearerToken> {
    if (this.#token !== null && this.#clock.nowMs() < this.#usableUntilMs) return this.#token;
    this.#running ??= this.#ask().finally(() => {
      this.#running = null;
    });
    return await this.#running;
  }

  async #ask(): Promise<OAuthBearerToken> {
    const askedAtMs = this.#clock.nowMs();
    try {
      const given = await this.#provider();
      this.#token = typeof given === "string" ? { value: given } : given;
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      const message = `sasl.token could not give a token: ${describeCause(error)}`;
      throw new KafkaError(message, { code: "TOKEN_UNAVAILABLE", retriable: true, cause: error });
    }
    this.#usableUntilMs = askedAtMs + ((this.#token?.expiresAtMs ?? askedAtMs) - askedAtMs) * USED_SHARE;
    return this.#token;
  }
}
