import type { Admin } from "@ottla/admin";
import {
  type Broker,
  BrokerConfig,
  bootstrapServersOf,
  type ConfigValues,
  settingsFromObject,
  startBroker,
  webSocketUrlOf,
} from "@ottla/broker";
import { checkStartOptions, OPTION_RULES, type SupportedFeatures } from "@ottla/broker/internal";
import { type MemoryMetadataLog, MemoryMetadataStore } from "@ottla/metadata";
import { createMemoryDisk, type Disk, type Logger } from "@ottla/runtime";
import { ProcessLife } from "./process-life.ts";

/** What a test's cluster starts with. */
export interface TestClusterOptions {
  /** How many brokers; their ids are 1, 2, 3 … Default 3. */
  readonly brokers?: number;
  /** Kafka's config keys, for all brokers. */
  readonly config?: ConfigValues;
  /** Kafka's config keys for single brokers, by id; stronger than `config`. */
  readonly brokerConfig?: (brokerId: number) => ConfigValues;
  /** The disks of a broker, by id: on each it has one of its `log.dirs`. Default: one in memory. */
  readonly disks?: (brokerId: number) => readonly Disk[];
  /** Where the brokers' log lines go. Default: nowhere. */
  readonly logger?: Logger;
}

/** One broker of a cluster in this process. */
export interface ClusterBroker {
  /** The broker's `node.id`. */
  readonly brokerId: number;
  /** `localhost:41234`; the same after a restart. */
  readonly bootstrapServers: string;
  /** For clients in browsers; the same after a restart. */
  readonly webSocketUrl: string;
  /** Whether it runs: not after `stop` or `kill`, until it is started again. */
  readonly isRunning: boolean;
  /** What the broker is made of, for tests that look inside. */
  readonly broker: Broker;
}

/** Brokers in this process that share their metadata, whose records are in memory. */
export interface TestCluster extends AsyncDisposable {
  /** The id of the cluster. */
  readonly clusterId: string;
  /** Of all brokers that run: `localhost:41234,localhost:41235,localhost:41236`. */
  readonly bootstrapServers: string;
  /** All brokers, by id; those that do not run among them. */
  readonly brokers: readonly ClusterBroker[];
  /** The broker that is controller now, or -1. */
  readonly controllerId: number;
  /** @throws RangeError when there is no such broker */
  broker(brokerId: number): ClusterBroker;
  /** Stops one broker as SIGTERM does: it hands its leaderships over. Its data stays. */
  stop(brokerId: number): Promise<void>;
  /**
   * Ends one broker as `kill -9` does, and its session with the coordination service with it: nothing is handed over,
   * clients lose their connections. What it had written stays.
   */
  kill(brokerId: number): Promise<void>;
  /** Starts a broker that was stopped or killed again, with its data. */
  start(brokerId: number): Promise<void>;
  /** Ends a broker's session with the coordination service, as when it was silent too long. It comes back by itself. */
  expireSession(brokerId: number): void;
  /** For everything else: topics, configs, groups. Closed with the cluster. */
  admin(): Promise<Admin>;
  /** Stops all brokers and forgets what they held. */
  close(): Promise<void>;
}

/** As many replicas as clusters mostly have. */
const REPLICAS_MAX = 3;

/**
 * In one process nothing is slow: who is silent for this long has been stopped. And no test wants to wait for members of
 * its groups that will not come, as on a broker of its own.
 */
const QUICK = {
  "broker.heartbeat.interval.ms": 100,
  "broker.session.timeout.ms": 3000,
  "group.initial.rebalance.delay.ms": 0,
  "group.consumer.assignment.interval.ms": 0,
};

/**
 * Starts a cluster of brokers in this process for a test: on free ports, in memory, gone when it is closed. Without Java
 * and without ZooKeeper: the brokers share their metadata in memory.
 *
 * Topics have three replicas where there are so many brokers, of which two must be in sync (`min.insync.replicas`). Groups
 * do not wait for more members, as those of a single test broker do not (`group.initial.rebalance.delay.ms` is 0).
 *
 * ```ts
 * await using cluster = await startCluster({ brokers: 3 });
 * ```
 * @throws ConfigError when an option or a config value is wrong
 */
export function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return startClusterOf(options, {});
}

/** What is none of our users' business. */
export interface ClusterInsides {
  /** The levels of Kafka's features at which a broker can run; asked at each of its starts. */
  readonly supportedFeatures?: (brokerId: number) => SupportedFeatures;
}

/** {@link startCluster} for our own tests. */
export async function startClusterOf(options: TestClusterOptions, insides: ClusterInsides): Promise<TestCluster> {
  checkStartOptions("startCluster", options, RULES);
  const cluster = new InMemoryCluster(options, insides);
  try {
    await cluster.startAll();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

const RULES = {
  brokers: OPTION_RULES.count,
  config: OPTION_RULES.object,
  brokerConfig: OPTION_RULES.function,
  disks: OPTION_RULES.function,
  logger: OPTION_RULES.logger,
};

class Member implements ClusterBroker {
  readonly brokerId: number;
  readonly disks: readonly Disk[];
  /** Where it listens; 0 until it has found a free port. */
  port = 0;
  running: Broker | null = null;
  metadata: MemoryMetadataLog | null = null;
  life: ProcessLife | null = null;

  constructor(brokerId: number, disks: readonly Disk[] = [createMemoryDisk()]) {
    this.brokerId = brokerId;
    this.disks = disks;
  }

  get broker(): Broker {
    if (this.running === null) throw new Error(`broker ${this.brokerId} does not run`);
    return this.running;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  get bootstrapServers(): string {
    return bootstrapServersOf(this.broker.listeners[0]!);
  }

  get webSocketUrl(): string {
    return webSocketUrlOf(this.broker.listeners[0]!);
  }
}

class InMemoryCluster implements TestCluster {
  readonly brokers: readonly Member[];
  readonly #options: TestClusterOptions;
  readonly #insides: ClusterInsides;
  readonly #store = new MemoryMetadataStore();
  #admin: Promise<Admin> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TestClusterOptions, insides: ClusterInsides) {
    this.#options = options;
    this.#insides = insides;
    this.brokers = Array.from(
      { length: options.brokers ?? REPLICAS_MAX },
      (_, index) => new Member(index + 1, options.disks?.(index + 1)),
    );
  }

  get clusterId(): string {
    return this.#store.clusterId ?? "";
  }

  get bootstrapServers(): string {
    const running = this.brokers.filter(({ isRunning }) => isRunning);
    return running.map(({ bootstrapServers }) => bootstrapServers).join(",");
  }

  get controllerId(): number {
    return this.#store.controller?.broker.brokerId ?? -1;
  }

  broker(brokerId: number): Member {
    const found = this.brokers.find((member) => member.brokerId === brokerId);
    if (found === undefined) throw new RangeError(`there is no broker ${brokerId}`);
    return found;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.brokers.map(({ brokerId }) => this.start(brokerId)));
  }

  async start(brokerId: number): Promise<void> {
    const member = this.broker(brokerId);
    if (member.isRunning) throw new Error(`broker ${brokerId} runs already`);
    const { logger } = this.#options;
    const life = new ProcessLife(member.disks, logger?.child({ brokerId }));
    member.life = life;
    member.running = await startBroker({
      config: BrokerConfig.fromSettings(settingsFromObject(this.#configOf(member))),
      directories: life.disks.map((disk, index) => ({ disk, path: "/", name: nameOfDisk(brokerId, index) })),
      runtime: life.runtime,
      connector: life.connector,
      startServer: life.startServer,
      ...(this.#insides.supportedFeatures && { supportedFeatures: this.#insides.supportedFeatures(brokerId) }),
      openMetadataLog: async () => {
        const log = this.#store.connect();
        member.metadata = log;
        return log;
      },
    });
    member.port = member.running.listeners[0]!.port;
  }

  async stop(brokerId: number): Promise<void> {
    const member = this.broker(brokerId);
    const { running } = member;
    member.running = null;
    await running?.shutdown();
  }

  async kill(brokerId: number): Promise<void> {
    const member = this.broker(brokerId);
    if (!member.isRunning) return;
    member.running = null;
    const killed = member.life?.kill();
    member.metadata?.sever();
    await killed;
  }

  expireSession(brokerId: number): void {
    this.broker(brokerId).metadata?.expireSession();
  }

  admin(): Promise<Admin> {
    const { bootstrapServers } = this;
    this.#admin ??= import("@ottla/admin").then(({ Admin }) => new Admin({ bootstrapServers }));
    return this.#admin;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await (await this.#admin)?.close();
    await Promise.all(this.brokers.map(({ brokerId }) => this.stop(brokerId)));
  }

  #configOf({ brokerId, port }: Member): ConfigValues {
    const replicas = Math.min(this.brokers.length, REPLICAS_MAX);
    return {
      ...QUICK,
      "node.id": brokerId,
      listeners: `PLAINTEXT://localhost:${port}`,
      "default.replication.factor": replicas,
      "offsets.topic.replication.factor": replicas,
      "transaction.state.log.replication.factor": replicas,
      "min.insync.replicas": Math.min(replicas, 2),
      "transaction.state.log.min.isr": Math.min(replicas, 2),
      ...this.#options.config,
      ...this.#options.brokerConfig?.(brokerId),
    };
  }
}

function nameOfDisk(brokerId: number, index: number): string {
  return index === 0 ? `memory of broker ${brokerId}` : `memory ${index + 1} of broker ${brokerId}`;
}
