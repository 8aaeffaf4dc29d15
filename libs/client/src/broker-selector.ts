import { KafkaError } from "@ottla/protocol/client";
import type { Random } from "@ottla/runtime";
import { addressKey, type BrokerAddress, type BrokerConnection, formatAddress } from "@ottla/transport";
import type { ConnectionPool } from "./connection-pool.ts";
import type { ClusterView } from "./metadata/cluster-view.ts";

/** Chooses a broker for requests that any broker answers. */
export class BrokerSelector {
  readonly #pool: ConnectionPool;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #random: Random;

  constructor(pool: ConnectionPool, bootstrap: readonly BrokerAddress[], random: Random) {
    this.#pool = pool;
    this.#bootstrap = bootstrap;
    this.#random = random;
  }

  /**
   * The least busy open connection; else a new one to some known broker, else to a bootstrap server. Tries each once.
   * @throws KafkaError retriable, that says how each of them failed
   */
  async connectToAny(view: ClusterView): Promise<BrokerConnection> {
    const known = [...view.brokers.values()].map((broker) => broker.address);
    const open = this.#leastBusy([...known, ...this.#bootstrap]);
    if (open !== undefined) return open;
    const failures: string[] = [];
    let cause: unknown;
    for (const address of this.#inOrderOfPromise(known)) {
      try {
        return await this.#pool.get(address);
      } catch (error) {
        if (error instanceof KafkaError && !error.retriable) throw error;
        failures.push(failureAt(formatAddress(address), error));
        cause = error;
      }
    }
    throw noBrokerReached(failures, cause);
  }

  #leastBusy(addresses: readonly BrokerAddress[]): BrokerConnection | undefined {
    let best: BrokerConnection | undefined;
    for (const address of addresses) {
      const connection = this.#pool.open(address);
      if (connection !== undefined && (best === undefined || connection.inFlightRequests < best.inFlightRequests))
        best = connection;
    }
    return best;
  }

  /** Known brokers in random order, then bootstrap servers likewise; within each those in backoff come last. */
  #inOrderOfPromise(known: readonly BrokerAddress[]): BrokerAddress[] {
    const unique = new Map<string, BrokerAddress>();
    for (const address of [...this.#shuffled(known), ...this.#shuffled(this.#bootstrap)]) {
      if (!unique.has(addressKey(address))) unique.set(addressKey(address), address);
    }
    const addresses = [...unique.values()];
    return addresses.sort((a, b) => this.#pool.backoffLeftMs(a) - this.#pool.backoffLeftMs(b));
  }

  #shuffled(addresses: readonly BrokerAddress[]): BrokerAddress[] {
    const shuffled = addresses.slice();
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.#random.nextInt(index + 1);
      [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
    }
    return shuffled;
  }
}

/** What went wrong, and where: most messages name the address already. */
function failureAt(address: string, error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  return text.includes(address) ? text : `${address}: ${text}`;
}

function noBrokerReached(failures: readonly string[], cause: unknown): KafkaError {
  const message = `No broker can be reached (${failures.join("; ")}). Check that one runs, and bootstrapServers.`;
  return new KafkaError(message, {
    code: "BROKER_NOT_AVAILABLE",
    retriable: true,
    cause,
  });
}
