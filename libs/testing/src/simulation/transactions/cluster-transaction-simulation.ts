import { CLUSTER_FAULTS } from "../cluster/cluster-faults.ts";
import { type ClusterSimulationOptions, ClusterWorld, type RareEvents } from "../cluster/cluster-world.ts";
import type { Tally } from "../tally.ts";
import { DelayedEnds } from "./delayed-ends.ts";
import { TRANSACTION_BROKER_CONFIG } from "./transaction-simulation.ts";
import { CLIENT_FAULTS, type TransactionVersion, TransactionWorkload } from "./transaction-workload.ts";

/**
 * A transaction's timeout counts from when it began by the clock of the coordinator that it had then, as in Kafka: with
 * clocks that are hours apart another one would end it at once, or in hours.
 */
const SKEW_MS_MAX = 300;
const COORDINATOR_PARTITIONS = 2;

/**
 * A cluster that is down half of the time does few transactions: what it suffers is rarer here, so that they come to their
 * ends in between, and what they suffer counts. Nothing is so rare that a few runs could be without it.
 */
const RARER = 2;
const RARE_MAX = 200;
const RARE: RareEvents = {
  ...{ delayedMessage: 800, lateTransactionRequest: 15, lateEndTxn: 15, lostTransactionMessage: 30 },
};
const RARER_CLUSTER_FAULTS = Object.fromEntries(
  Object.entries(CLUSTER_FAULTS).map(([fault, onceIn]) => [
    fault,
    fault === "breakConnection" ? onceIn : Math.min(RARER * onceIn, RARE_MAX),
  ]),
) as Record<keyof typeof CLUSTER_FAULTS, number>;

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  ...RARER_CLUSTER_FAULTS,
  ...CLIENT_FAULTS,
  // Coordinators of transactions and of groups get other brokers, while nothing else is wrong with the ones they had.
  moveCoordinator: 60,
  electCoordinators: 60,
  moveData: 100,
} as const;

export type Fault = keyof typeof FAULTS;

export const faults = Object.keys(FAULTS) as Fault[];

/** Rare enough. */
export const NEVER = 2 ** 31;

/**
 * Before `transaction.version` 2 a transaction has the epoch of the one before: what is said
 * about the one and comes late may hit the other (KAFKA-17754).
 */
export const NOTHING_LATE: RareEvents = { lateTransactionRequest: NEVER, lateEndTxn: NEVER };

export interface ClusterTransactionSimulationOptions extends ClusterSimulationOptions<Fault> {
  readonly transactionVersion?: TransactionVersion;
}

/**
 * A {@link ClusterWorld} under a {@link TransactionWorkload}: brokers, network and ZooKeeper fail as they do for every
 * cluster, coordinators move, what is said to coordinators and leaders about transactions comes late and twice, and
 * clients fail as they do with one broker. Everything follows from the seed.
 */
export class ClusterTransactionSimulation {
  readonly #tally: Tally;
  readonly #all: ClusterWorld;
  readonly #workload: TransactionWorkload;
  readonly #onceIn: Readonly<Record<Fault, number>>;
  readonly #faultsMs: number;

  constructor(
    seed: number,
    tally: Tally,
    { onceIn = {}, rare = {}, faultsMs = 40_000, logger, transactionVersion }: ClusterTransactionSimulationOptions = {},
  ) {
    this.#tally = tally;
    this.#onceIn = { ...FAULTS, ...onceIn };
    this.#faultsMs = faultsMs;
    const delayedEnds = new DelayedEnds(tally);
    this.#all = new ClusterWorld({
      onArrived: (arrival) => delayedEnds.arrived(arrival),
      ...{ seed, tally, config: TRANSACTION_BROKER_CONFIG, skewMsMax: SKEW_MS_MAX, rare: { ...RARE, ...rare } },
      ...(logger !== undefined && { logger }),
    });
    this.#workload = new TransactionWorkload({
      ...{ world: this.#all.world, cluster: this.#all.cluster, transactionVersion },
      clock: () => ({ skewMs: this.#all.aSkewMs() }),
      step: () => this.#all.step(),
    });
  }

  /** A hash of all that happened. @throws Error when an invariant is broken */
  async run(): Promise<string> {
    const { world, cluster } = this.#all;
    await this.#all.start();
    await this.#workload.start();
    world.isFaulty = true;
    const endMs = world.nowMs + this.#faultsMs;
    while (world.nowMs < endMs) {
      world.inflict(this.#onceIn, { ...this.#all.faults.actions, ...this.#workload.faults, ...this.#faults });
      this.#workload.goOn();
      await this.#all.step();
    }
    this.#all.calmDown();
    await this.#workload.finish(() => this.#all.unsettled());
    this.#tally.add("settled");
    this.#workload.killAll();
    world.operator.kill();
    cluster.killAll();
    return world.trace.hash;
  }

  readonly #faults: Record<"moveCoordinator" | "electCoordinators" | "moveData", () => boolean> = {
    moveCoordinator: () => this.#all.reassign(() => this.#aPartitionOf(COORDINATORS)),
    electCoordinators: () => this.#all.electLeaders(this.#all.world.anyOf(COORDINATORS)!, COORDINATOR_PARTITIONS),
    moveData: () => this.#all.reassign(() => this.#aPartitionOf(DATA)),
  };

  #aPartitionOf(topics: readonly string[]): readonly [string, number] {
    const { world, truth } = this.#all;
    const topic = world.anyOf(topics)!;
    return [topic, world.random.nextInt(truth.image.topicsByName.get(topic)?.partitions.length ?? 1)];
  }
}

const COORDINATORS = ["__transaction_state", "__consumer_offsets"];
const DATA = ["in", "out", "a", "b"];
