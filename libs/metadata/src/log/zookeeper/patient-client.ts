import type { Timers } from "@ottla/runtime";
import {
  isZooKeeperError,
  type Watch,
  type Znode,
  type ZnodeStat,
  type ZooKeeper,
  type ZooKeeperErrorCode,
} from "@ottla/zookeeper";

const RETRY_DELAY_MS = 100;
/** What is repeated at once before time is given: a connection that broke is mostly there again. */
const RETRIES_AT_ONCE = 3;

/** What goes by: the connection is there again after a while, or another session is. */
const PASSING = ["CONNECTION_LOSS", "SESSION_MOVED", "SESSION_EXPIRED"] as const;

/**
 * A ZooKeeper client for what must come to an end: reads are repeated until they are answered, writes until it is known
 * that they are done, or need not be. Only the client's own end stops them.
 */
export class PatientClient {
  readonly #client: ZooKeeper;
  readonly #timers: Timers;
  #closed = false;

  constructor(client: ZooKeeper, timers: Timers) {
    this.#client = client;
    this.#timers = timers;
  }

  get(path: string): Promise<Znode> {
    return this.repeat(() => this.#client.get(path));
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
    return this.repeat(() => this.#client.exists(path, watch));
  }

  children(path: string): Promise<readonly string[]> {
    return this.repeat(() => this.#client.children(path));
  }

  /** Reads that follow see everything that was done before. */
  sync(path: string): Promise<void> {
    return this.repeat(() => this.#client.sync(path));
  }

  /**
   * Repeats a write whose outcome is not known, or that another session has to do. `needless` are the refusals that say that
   * there is nothing (more) to do: the write may have been done before, or its session has ended and taken along what it was
   * about.
   */
  async settle(write: () => Promise<void>, ...needless: ZooKeeperErrorCode[]): Promise<void> {
    try {
      await this.repeat(
        write,
        PASSING.filter((code) => !needless.includes(code)),
      );
    } catch (error) {
      if (!isZooKeeperError(error, ...needless)) throw error;
    }
  }

  close(): void {
    this.#closed = true;
  }

  /** Repeats an operation for as long as it fails with what goes by, more slowly after a few times. */
  async repeat<T>(operation: () => Promise<T>, passing: readonly ZooKeeperErrorCode[] = PASSING): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await operation();
      } catch (error) {
        const isPassing = isZooKeeperError(error, ...passing);
        if (!isPassing || this.#closed) throw error;
        if (failures > RETRIES_AT_ONCE) await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#timers.schedule(RETRY_DELAY_MS, resolve, { keepAlive: true }));
  }
}
