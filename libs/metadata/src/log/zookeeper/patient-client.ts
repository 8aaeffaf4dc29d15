import type { Timers } from "@ottla/runtime";
import { isZooKeeperError, type Watch, type Znode, type ZnodeStat, type ZooKeeper } from "@ottla/zookeeper";

const RETRY_DELAY_MS = 100;
/** What is repeated at once before time is given: a connection that broke is mostly there again. */
const RETRIES_AT_ONCE = 3;

/**
 * Reads that are repeated until they are answered: a broken connection or a new session makes no difference to them. They
 * end with the client alone.
 */
export class PatientReads {
  readonly #client: ZooKeeper;
  readonly #timers: Timers;
  #closed = false;

  constructor(client: ZooKeeper, timers: Timers) {
    this.#client = client;
    this.#timers = timers;
  }

  get(path: string): Promise<Znode> {
    return this.#repeat(() => this.#client.get(path));
  }

  /** The znode, or null where there is none. */
  async find(path: string): Promise<Znode | null> {
    try {
      return await this.get(path);
    } catch (error) {
      if (isZooKeeperError(error, "NO_NODE")) return null;
      throw error;
    }
  }

  exists(path: string, watch?: Watch): Promise<ZnodeStat | null> {
    return this.#repeat(() => this.#client.exists(path, watch));
  }

  children(path: string): Promise<readonly string[]> {
    return this.#repeat(() => this.#client.children(path));
  }

  /** Reads that follow see everything that was done before. */
  sync(path: string): Promise<void> {
    return this.#repeat(() => this.#client.sync(path));
  }

  close(): void {
    this.#closed = true;
  }

  async #repeat<T>(read: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await read();
      } catch (error) {
        const isPassing = isZooKeeperError(error, "CONNECTION_LOSS", "SESSION_MOVED", "SESSION_EXPIRED");
        if (!isPassing || this.#closed) throw error;
        if (failures > RETRIES_AT_ONCE) await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#timers.schedule(RETRY_DELAY_MS, resolve, { keepAlive: true }));
  }
}
