import type { Runtime, Timer } from "@ottla/runtime";
import {
  type Authenticate,
  addressKey,
  type BrokerAddress,
  type BrokerConnection,
  type Connector,
  formatAddress,
  ReconnectingConnection,
} from "@ottla/transport";
import { clientClosed } from "./errors.ts";
import type { ClientSettings } from "./options.ts";

/** What a pool works with. */
export interface PoolEnvironment {
  readonly runtime: Runtime;
  readonly settings: ClientSettings;
  readonly connector: Connector;
  readonly authenticate: Authenticate | undefined;
}

const MAIN_PURPOSE = "main";

/** A connection that a long request keeps busy past its idle time is looked at again after this time. */
const IDLE_CHECK_MIN_MS = 1_000;

/** The connection to one broker address for one purpose. */
interface Slot {
  readonly link: ReconnectingConnection;
  /** When someone last asked for it, on the monotonic clock. */
  usedAtMs: number;
}

/**
 * Keeps one connection for each broker address and purpose, and closes those that nobody used for
 * `connectionsMaxIdleMs`.
 *
 * Over WebSocket, where the broker may answer out of order, one connection serves all purposes: a page has one socket.
 */
export class ConnectionPool {
  readonly #environment: PoolEnvironment;
  readonly #slots = new Map<string, Slot>();
  #idleTimer: Timer | null = null;
  #closed = false;

  constructor(environment: PoolEnvironment) {
    this.#environment = environment;
  }

  /**
   * An open connection, opened if need be, after the backoff if the last attempts failed.
   * @throws KafkaError if this attempt fails
   */
  async get(address: BrokerAddress, purpose: string = MAIN_PURPOSE): Promise<BrokerConnection> {
    if (address.url === undefined || purpose === MAIN_PURPOSE) return await this.#connect(address, purpose);
    const main = await this.#connect(address, MAIN_PURPOSE);
    return main.answersOutOfOrder ? main : await this.#connect(address, purpose);
  }

  /** The connection if it is open now. */
  open(address: BrokerAddress, purpose: string = MAIN_PURPOSE): BrokerConnection | undefined {
    const main = this.#current(address, MAIN_PURPOSE);
    if (purpose === MAIN_PURPOSE || main?.answersOutOfOrder) return main;
    return this.#current(address, purpose);
  }

  /** How long until another attempt to reach the address is due; 0 when it may be tried at once. */
  backoffLeftMs(address: BrokerAddress): number {
    return this.#slots.get(keyOf(address, MAIN_PURPOSE))?.link.backoffRemainingMs ?? 0;
  }

  /** Closes all connections at once; requests under way, and who waits for a connection, reject. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#idleTimer?.cancel();
    const links = [...this.#slots.values()].map((slot) => slot.link);
    this.#slots.clear();
    await Promise.all(links.map((link) => link.close({ timeoutMs: 0 })));
  }

  async #connect(address: BrokerAddress, purpose: string): Promise<BrokerConnection> {
    if (this.#closed) throw clientClosed("The client");
    const slot = this.#slotOf(address, purpose);
    slot.usedAtMs = this.#nowMs();
    const { current } = slot.link;
    if (current !== null) return current;
    try {
      return await slot.link.connect();
    } catch (error) {
      if (this.#closed) throw clientClosed("The client");
      this.#logFailure(address, slot.link, error);
      throw error;
    } finally {
      this.#watchIdleness();
    }
  }

  #current(address: BrokerAddress, purpose: string): BrokerConnection | undefined {
    const slot = this.#slots.get(keyOf(address, purpose));
    if (slot === undefined) return undefined;
    slot.usedAtMs = this.#nowMs();
    return slot.link.current ?? undefined;
  }

  #slotOf(address: BrokerAddress, purpose: string): Slot {
    const key = keyOf(address, purpose);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = { link: this.#linkTo(address), usedAtMs: 0 };
    this.#slots.set(key, slot);
    return slot;
  }

  #linkTo(address: BrokerAddress): ReconnectingConnection {
    const { runtime, settings, connector, authenticate } = this.#environment;
    return new ReconnectingConnection({
      ...settings,
      address,
      connector,
      runtime,
      ...(authenticate && { authenticate }),
    });
  }

  /** The first failure in a row is worth a warning, those that follow are not. */
  #logFailure(address: BrokerAddress, link: ReconnectingConnection, error: unknown): void {
    const { logger } = this.#environment.runtime;
    const fields = { broker: formatAddress(address), failures: link.failuresInARow, reason: String(error) };
    if (link.failuresInARow === 1) logger.warn("broker cannot be reached", fields);
    else logger.debug("broker still cannot be reached", fields);
  }

  /** One timer for all connections: it ends when the one idle for longest has been idle for too long. */
  #watchIdleness(): void {
    const { settings, runtime } = this.#environment;
    if (this.#closed || this.#idleTimer !== null || this.#slots.size === 0) return;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.values()) oldestMs = Math.min(oldestMs, slot.usedAtMs);
    const delayMs = oldestMs + settings.connectionsMaxIdleMs - this.#nowMs();
    if (delayMs === Number.POSITIVE_INFINITY) return;
    this.#idleTimer = runtime.timers.schedule(Math.max(delayMs, IDLE_CHECK_MIN_MS), () => {
      this.#idleTimer = null;
      this.#closeIdle(this.#nowMs() - settings.connectionsMaxIdleMs);
      this.#watchIdleness();
    });
  }

  #closeIdle(idleSinceMs: number): void {
    for (const [key, slot] of this.#slots) {
      const isBusy = slot.link.current !== null && slot.link.current.inFlightRequests > 0;
      if (isBusy || slot.usedAtMs > idleSinceMs) continue;
      this.#slots.delete(key);
      void slot.link.close({ timeoutMs: 0 });
    }
  }

  #nowMs(): number {
    return this.#environment.runtime.clock.monotonicMs();
  }
}

function keyOf(address: BrokerAddress, purpose: string): string {
  return `${purpose} ${addressKey(address)}`;
}
