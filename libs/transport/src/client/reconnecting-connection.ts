import { formatAddress } from "../address.ts";
import { networkError } from "../transport-error.ts";
import { type BackoffOptions, backoffMs } from "./backoff.ts";
import { BrokerConnection } from "./broker-connection.ts";
import { type BrokerConnectionOptions, CONNECTION_DEFAULTS } from "./connection-options.ts";
import { abortable, delay } from "./delay.ts";

/** Kafka's defaults for the settings below. */
export const RECONNECT_DEFAULTS = {
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1_000,
  connectionSetupTimeoutMaxMs: 30_000,
} as const;

export interface ReconnectingConnectionOptions extends Omit<BrokerConnectionOptions, "signal"> {
  /** `reconnect.backoff.ms`: the wait before the next attempt after one failed; 50 by default. */
  readonly reconnectBackoffMs?: number;
  /** `reconnect.backoff.max.ms`: what that wait grows to, doubling with each failure; 1000 by default. */
  readonly reconnectBackoffMaxMs?: number;
  /** `socket.connection.setup.timeout.max.ms`: what the time for one attempt grows to; 30 s by default. */
  readonly connectionSetupTimeoutMaxMs?: number;
}

/**
 * A connection to one broker that is made when it is asked for, and made again when it was lost: one at a time,
 * with exponential backoff and jitter in between.
 */
export class ReconnectingConnection {
  readonly #options: ReconnectingConnectionOptions;
  readonly #reconnectBackoff: BackoffOptions;
  readonly #setupTimeout: BackoffOptions;
  readonly #stop = new AbortController();
  #open: BrokerConnection | null = null;
  #attempt: Promise<BrokerConnection> | null = null;
  #failures = 0;
  #notBeforeMs = 0;

  constructor(options: ReconnectingConnectionOptions) {
    this.#options = options;
    this.#reconnectBackoff = {
      initialMs: options.reconnectBackoffMs ?? RECONNECT_DEFAULTS.reconnectBackoffMs,
      maxMs: options.reconnectBackoffMaxMs ?? RECONNECT_DEFAULTS.reconnectBackoffMaxMs,
    };
    this.#setupTimeout = {
      initialMs: options.connectionSetupTimeoutMs ?? CONNECTION_DEFAULTS.connectionSetupTimeoutMs,
      maxMs: options.connectionSetupTimeoutMaxMs ?? RECONNECT_DEFAULTS.connectionSetupTimeoutMaxMs,
    };
  }

  /** The open connection; null while there is none. */
  get current(): BrokerConnection | null {
    return this.#open?.isOpen ? this.#open : null;
  }

  /** Milliseconds until the next attempt may be made: 0 when it may be made now. */
  get backoffRemainingMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#options.runtime.clock.monotonicMs());
  }

  /** Attempts that failed since a connection was last made. */
  get failuresInARow(): number {
    return this.#failures;
  }

  /**
   * The open connection, or the next one: callers share one attempt, which first waits out the backoff.
   * @throws KafkaError when this attempt fails: retriable ones may be followed by another call.
   */
  connect(signal?: AbortSignal): Promise<BrokerConnection> {
    const { current } = this;
    if (current !== null) return Promise.resolve(current);
    if (this.#stop.signal.aborted) return Promise.reject(this.#closedError());
    this.#attempt ??= this.#connectOnce().finally(() => {
      this.#attempt = null;
    });
    return abortable(this.#attempt, signal);
  }

  /** Ends the attempt that is under way, and closes the open connection. */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#stop.abort(this.#closedError());
    await this.#attempt?.catch(() => {});
    await this.#open?.close(options);
  }

  async #connectOnce(): Promise<BrokerConnection> {
    const { signal } = this.#stop;
    const waitMs = this.backoffRemainingMs;
    if (waitMs > 0) await delay(this.#options.runtime.timers, waitMs, signal);
    try {
      const connection = await BrokerConnection.open({
        ...this.#options,
        connectionSetupTimeoutMs: this.#setupTimeoutMs(),
        signal,
      });
      this.#connected(connection);
      return connection;
    } catch (error) {
      this.#failures++;
      this.#backOff();
      throw error;
    }
  }

  /** Grows with each failure, as in Kafka (KIP-601). */
  #setupTimeoutMs(): number {
    return backoffMs(this.#setupTimeout, this.#failures + 1, this.#options.runtime.random);
  }

  #connected(connection: BrokerConnection): void {
    this.#failures = 0;
    this.#open = connection;
    void connection.closed.then(() => {
      if (this.#open !== connection) return;
      this.#open = null;
      this.#backOff();
    });
  }

  #backOff(): void {
    const waitMs = backoffMs(this.#reconnectBackoff, Math.max(1, this.#failures), this.#options.runtime.random);
    this.#notBeforeMs = this.#options.runtime.clock.monotonicMs() + waitMs;
  }

  #closedError(): Error {
    return networkError(`The connection to ${formatAddress(this.#options.address)} was closed by this client.`);
  }
}
