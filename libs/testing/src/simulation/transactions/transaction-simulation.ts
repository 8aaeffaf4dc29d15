import type { Logger, Random } from "@ottla/runtime";
import { SimulatedCluster } from "../simulated-cluster.ts";
import type { Exchange, Fate } from "../simulated-link.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { SESSION_TIMEOUT_MS } from "./client-options.ts";
import { CLIENT_FAULTS, type TransactionVersion, TransactionWorkload } from "./transaction-workload.ts";

const FAULTS_MS = 45_000;

/** What a broker is configured with, so that what waits for a timeout does not wait long. */
export const TRANSACTION_BROKER_CONFIG = {
  "offsets.topic.num.partitions": 2,
  "transaction.state.log.num.partitions": 2,
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
  "group.min.session.timeout.ms": 1_000,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.heartbeat.interval.ms": 500,
  "group.consumer.heartbeat.interval.ms": 1_000,
  "log.cleaner.enable": false,
};

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  ...CLIENT_FAULTS,
  breakConnection: 25,
  killBroker: 150,
  stopBroker: 300,
  pauseBroker: 120,
  diskFull: 60,
} as const;

export type Fault = keyof typeof FAULTS;

export const faults = Object.keys(FAULTS) as Fault[];

export interface TransactionSimulationOptions {
  /** How long faults go on. */
  readonly faultsMs?: number;
  readonly transactionVersion?: TransactionVersion;
  readonly logger?: Logger;
}

/**
 * A broker under a {@link TransactionWorkload}, while everything goes wrong that can: clients lose messages too, and the
 * broker is killed, stopped, paused and runs out of disk. Everything follows from the seed.
 */
export class TransactionSimulation {
  readonly #tally: Tally;
  readonly #faultsMs: number;
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #cluster: SimulatedCluster;
  readonly #workload: TransactionWorkload;

  constructor(
    seed: number,
    tally: Tally,
    { faultsMs = FAULTS_MS, logger, transactionVersion }: TransactionSimulationOptions = {},
  ) {
    this.#tally = tally;
    this.#faultsMs = faultsMs;
    this.#world = new SimulatedWorld({
      ...{ seed, tally },
      fateOf: (exchange, direction) => this.#fateOf(exchange, direction),
    });
    this.#random = this.#world.random;
    this.#cluster = new SimulatedCluster({
      ...{ world: this.#world, brokers: 1, config: TRANSACTION_BROKER_CONFIG },
      ...(logger !== undefined && { logger }),
    });
    this.#workload = new TransactionWorkload({
      ...{ world: this.#world, cluster: this.#cluster, transactionVersion },
      step: () => this.#world.step(),
    });
  }

  /** @throws Error when an invariant is broken */
  async run(): Promise<void> {
    await this.#world.settle(this.#cluster.start());
    await this.#workload.start();
    const endMs = this.#world.nowMs + this.#faultsMs;
    while (this.#world.nowMs < endMs) {
      this.#world.inflict(FAULTS, { ...this.#workload.faults, ...this.#faults });
      this.#workload.goOn();
      await this.#world.step();
    }
    this.#world.isFaulty = false;
    await this.#workload.finish();
    this.#tally.add("settled");
    this.#workload.killAll();
    this.#world.operator.kill();
    this.#cluster.killAll();
  }

  #fateOf({ apiName }: Exchange, direction: "request" | "response"): Fate {
    const dice = this.#random.nextInt(600);
    if (dice > 2) return "arrives";
    const fate = dice === 0 ? "silence" : "lost";
    this.#tally.add(`${fate === "lost" ? "lost" : "silent"} ${direction}: ${apiName}`);
    return fate;
  }

  readonly #faults: Record<Exclude<Fault, keyof typeof CLIENT_FAULTS>, () => boolean> = {
    breakConnection: () => this.#world.breakConnection(),
    killBroker: () => this.#cluster.toOne((broker) => this.#cluster.kill(broker)),
    stopBroker: () => this.#cluster.toOne((broker) => this.#cluster.stop(broker)),
    pauseBroker: () => this.#cluster.toOne((broker) => this.#cluster.pause(broker, 100 + this.#random.nextInt(3_000))),
    diskFull: () =>
      this.#cluster.toOne((broker) => {
        // Where some writes go well, a transaction may be decided and its end not be written.
        const likelihood = [0.2, 0.5, 1][this.#random.nextInt(3)]!;
        this.#cluster.fillDisk(broker, likelihood, 50 + this.#random.nextInt(1_000));
      }),
  };
}
