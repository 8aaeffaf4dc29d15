import type { Broker, ConfigValues } from "@ottla/broker";
import type { CrashKind, Logger } from "@ottla/runtime";
import type { ModelCommit, ModelFault, ModelSession } from "@ottla/zookeeper";
import { SimulatedBroker, type SimulatedBrokerOptions } from "./simulated-broker.ts";
import type { ClockOptions, SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedWorld } from "./simulated-world.ts";
import { SimulatedZooKeeper } from "./simulated-zookeeper.ts";

/** In a simulated cluster sessions are short, so that what ends them is over before everything else is. */
export const ZOOKEEPER_SESSION_MS = 3_000;

/** `min.insync.replicas` of a cluster's topics. */
export const MIN_INSYNC_REPLICAS = 2;

const CLUSTER_CONFIG = {
  "broker.heartbeat.interval.ms": 500,
  "broker.session.timeout.ms": 3_000,
  "replica.lag.time.max.ms": 2_000,
  "replica.fetch.wait.max.ms": 300,
  "replica.socket.timeout.ms": 2_000,
  "request.timeout.ms": 3_000,
  "socket.connection.setup.timeout.ms": 1_000,
  "socket.connection.setup.timeout.max.ms": 3_000,
  "controlled.shutdown.retry.backoff.ms": 500,
  "leader.imbalance.check.interval.seconds": 5,
  "metadata.log.max.record.bytes.between.snapshots": 4_000,
  "min.insync.replicas": MIN_INSYNC_REPLICAS,
  "transaction.state.log.min.isr": 2,
};

const REPLICAS_MAX = 3;

export interface SimulatedClusterOptions {
  readonly world: SimulatedWorld;
  /** One: a broker on its own. */
  readonly brokers: number;
  readonly config: ConfigValues;
  readonly logger?: Logger;
  readonly clock?: () => ClockOptions;
  readonly zooKeeperFaults?: Readonly<Partial<Record<ModelFault, number>>>;
  /** What the brokers' disks suffer all along. */
  readonly diskFaults?: SimulatedBrokerOptions["diskFaults"];
  readonly onCommit?: (commit: ModelCommit) => void;
  /** Told how long a broker is not what it should be. */
  readonly onDisturbed?: (durationMs: number) => void;
}

/** The brokers of a world, on their own or on a ZooKeeper, and what befalls them. */
export class SimulatedCluster {
  readonly brokers: readonly SimulatedBroker[];
  /** Null for a broker on its own. */
  readonly zooKeeper: SimulatedZooKeeper | null;
  readonly #world: SimulatedWorld;
  readonly #onDisturbed: (durationMs: number) => void;
  /** Those that are not to be started again: something else has them started. */
  readonly #stopping = new Set<SimulatedBroker>();

  constructor(options: SimulatedClusterOptions) {
    const { world, brokers, onCommit, onDisturbed = () => {} } = options;
    this.#world = world;
    this.#onDisturbed = onDisturbed;
    const zooKeeper =
      brokers === 1
        ? null
        : new SimulatedZooKeeper({
            world,
            sessionTimeoutMs: ZOOKEEPER_SESSION_MS,
            faults: options.zooKeeperFaults ?? {},
            ...(onCommit !== undefined && { onCommit }),
          });
    this.zooKeeper = zooKeeper;
    this.brokers = Array.from({ length: brokers }, (_, index) => newBroker(options, index + 1, zooKeeper));
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ bootstrapServers }) => bootstrapServers).join(",");
  }

  /** Those that serve. */
  get running(): readonly Broker[] {
    return this.brokers.flatMap(({ broker }) => broker ?? []);
  }

  /** Some broker that serves; undefined where there is none. */
  get anyRunning(): Broker | undefined {
    return this.running[0];
  }

  /** The broker that takes itself for the leader of a partition, in the latest leader epoch. */
  leaderOf(topic: string, partition: number) {
    let latest = null;
    for (const { services } of this.running) {
      const found = services.partitions.get(topic, partition);
      if (found?.isLeader && (latest === null || found.leaderEpoch > latest.leaderEpoch)) latest = found;
    }
    return latest;
  }

  /** The session that a broker's process has with the ensemble. */
  sessionOf(broker: SimulatedBroker | undefined): ModelSession | undefined {
    return broker?.process && this.zooKeeper?.sessionOf(broker.process);
  }

  async start(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.start()));
  }

  /** The brokers that a fault of a running one may hit. */
  get candidates(): readonly SimulatedBroker[] {
    return this.brokers.filter((one) => one.broker !== undefined && !this.#stopping.has(one));
  }

  /** Does something to one of them. Whether there was one. */
  toOne(action: (broker: SimulatedBroker) => void): boolean {
    const { candidates } = this;
    const broker = this.brokers.length === 1 ? candidates[0] : this.#world.anyOf(candidates);
    if (broker !== undefined) action(broker);
    return broker !== undefined;
  }

  kill(broker: SimulatedBroker, kind: CrashKind = "process", downMs = 200 + this.#world.random.nextInt(3_000)): void {
    broker.kill(kind);
    this.#startLater(broker, downMs);
  }

  stop(broker: SimulatedBroker): void {
    this.#onDisturbed(5_000);
    this.#stopping.add(broker);
    void broker.stop().then(() => {
      this.#stopping.delete(broker);
      this.#startLater(broker, 200 + this.#world.random.nextInt(3_000));
    });
  }

  /** Stops a broker's process where it stands; the ensemble hears nothing of it either. */
  pause(broker: SimulatedBroker, durationMs: number): void {
    if (broker.process === undefined) return;
    const resume = this.pauseUntil(broker);
    this.#onDisturbed(durationMs);
    this.#world.later(durationMs, resume);
  }

  /** The function that comes back ends it. */
  pauseUntil({ process }: SimulatedBroker): () => void {
    const session = process && this.zooKeeper?.sessionOf(process);
    process?.pause();
    session?.partition();
    return () => {
      process?.resume();
      // It takes itself for what it was until it has a connection again.
      if (session !== undefined) this.#world.later(1 + this.#world.random.nextInt(50), () => session.heal());
    };
  }

  /** Lets a broker's disk run full for a while. @param likelihood how often writes fail */
  fillDisk({ disk }: SimulatedBroker, likelihood: number, durationMs: number): void {
    disk.faults.noSpace = likelihood;
    this.#onDisturbed(durationMs);
    this.#world.later(durationMs, () => {
      disk.faults.noSpace = 0;
    });
  }

  /** All that lasts ends, and who is down comes back. */
  heal(): void {
    this.#world.network.unblockAll();
    this.zooKeeper?.healAll();
    for (const { process, disk } of this.brokers) {
      disk.faults.noSpace = 0;
      if (process === undefined) continue;
      process.resume();
      process.isCutOff = false;
      process.lagMs = 0;
    }
  }

  killAll(): void {
    for (const broker of this.brokers) broker.kill();
  }

  /** Something else may have started it by then. */
  #startLater(broker: SimulatedBroker, downMs: number): void {
    this.#onDisturbed(downMs + 1_000);
    this.#world.later(downMs, () => this.#start(broker));
  }

  #start(broker: SimulatedBroker): void {
    if (broker.process !== undefined) return;
    broker.disk.faults.noSpace = 0;
    broker.start().catch((error: unknown) => this.#world.violated(error));
  }
}

function newBroker(
  { world, brokers, config, logger, clock, diskFaults = {} }: SimulatedClusterOptions,
  brokerId: number,
  zooKeeper: SimulatedZooKeeper | null,
): SimulatedBroker {
  const replicas = Math.min(brokers, REPLICAS_MAX);
  const common = { world: world.runtime, network: world.network, diskFaults, ...(logger !== undefined && { logger }) };
  if (zooKeeper === null) return new SimulatedBroker({ ...common, name: "broker", seed: world.seed, config });
  return new SimulatedBroker({
    ...common,
    name: `broker-${brokerId}`,
    seed: world.seed + 1_000_003 * brokerId,
    config: {
      ...CLUSTER_CONFIG,
      "node.id": brokerId,
      "default.replication.factor": replicas,
      "offsets.topic.replication.factor": replicas,
      "transaction.state.log.replication.factor": replicas,
      ...config,
    },
    openMetadataLog: (process: SimulatedProcess) => zooKeeper.open(process),
    ...(clock !== undefined && { clock: clock() }),
  });
}
