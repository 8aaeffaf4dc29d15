import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@ottla/transport/node";
import { BrokerProcess } from "./broker-process.ts";
import { type CutDirection, FaultProxy } from "./fault-proxy.ts";
import { ZooKeeperEnsemble } from "./zookeeper-process.ts";

export interface ClusterProcessesOptions {
  /** ZooKeeper servers. Default 1. */
  readonly servers?: number;
  readonly brokers?: number;
  /** How many `log.dirs` each broker has. Default 1. */
  readonly directories?: number;
  /** Whether brokers reach ZooKeeper, and each other, through proxies that can be cut. */
  readonly cuttable?: boolean;
  /** `key=value`, for every broker. */
  readonly set?: readonly string[];
  /** Whether each broker is in a rack of its own: `rack-1` and so on. */
  readonly racks?: boolean;
}

/** A broker that is gone is noticed after so long. */
export const SESSION_TIMEOUT_MS = 2_000;

/** Short, so that failures are noticed within seconds; a real cluster takes 18 s and 9 s. */
const TIMEOUTS = [
  `zookeeper.session.timeout.ms=${SESSION_TIMEOUT_MS}`,
  "broker.session.timeout.ms=3000",
  "broker.heartbeat.interval.ms=300",
  "replica.lag.time.max.ms=5000",
];

const REPLICATED = [
  "default.replication.factor=3",
  "offsets.topic.replication.factor=3",
  "offsets.topic.num.partitions=5",
  "transaction.state.log.replication.factor=3",
  "transaction.state.log.num.partitions=5",
  "min.insync.replicas=2",
];

/** How many lines of each broker's log are shown. */
const LAST_WORDS = 100;

interface Member {
  readonly brokerId: number;
  readonly port: number;
  readonly dataDirectory: string;
  readonly wires: Wires | null;
  process: BrokerProcess | null;
}

/** What a broker is reached by, and reaches others by, where that can be cut. */
interface Wires {
  /** Of the listener for the other brokers. */
  port: number;
  readonly fromBrokers: FaultProxy;
  /** One for each server. */
  readonly toZooKeeper: readonly FaultProxy[];
}

/** Broker processes on a real ZooKeeper ensemble, each with a port and a directory that it keeps across restarts. */
export class ClusterProcesses {
  readonly ensemble: ZooKeeperEnsemble;
  readonly #members: readonly Member[];
  readonly #directory: string;
  readonly #set: readonly string[];
  readonly #directories: number;
  readonly #hasRacks: boolean;

  private constructor(
    ensemble: ZooKeeperEnsemble,
    members: readonly Member[],
    directory: string,
    set: readonly string[],
    directories: number,
    hasRacks: boolean,
  ) {
    this.ensemble = ensemble;
    this.#members = members;
    this.#directory = directory;
    this.#set = set;
    this.#directories = directories;
    this.#hasRacks = hasRacks;
  }

  static async start(options: ClusterProcessesOptions = {}): Promise<ClusterProcesses> {
    const ensemble = await ZooKeeperEnsemble.start(options.servers ?? 1);
    const directory = await mkdtemp(join(tmpdir(), "ottla-cluster-"));
    const brokerIds = Array.from({ length: options.brokers ?? 3 }, (_, index) => index + 1);
    // What listens already comes first: it would take a port that was found free for a broker.
    const wires = options.cuttable ? await Promise.all(brokerIds.map(() => layWires(ensemble))) : [];
    const members: Member[] = [];
    for (const [index, brokerId] of brokerIds.entries()) {
      const laid = wires[index] ?? null;
      if (laid !== null) laid.port = await freePort();
      const port = await freePort();
      const dataDirectory = join(directory, String(brokerId));
      members.push({ brokerId, port, dataDirectory, wires: laid, process: null });
    }
    const replicated = members.length >= 3 ? REPLICATED : [];
    const cluster = new ClusterProcesses(
      ensemble,
      members,
      directory,
      [...TIMEOUTS, ...replicated, ...(options.set ?? [])],
      options.directories ?? 1,
      options.racks ?? false,
    );
    try {
      await Promise.all(members.map(({ brokerId }) => cluster.startBroker(brokerId)));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** `zookeeper.connect`. */
  get connect(): string {
    return connectTo(this.ensemble.addresses.map(({ port }) => port));
  }

  /** Of all brokers, also those that do not run now. */
  get bootstrapServers(): string {
    return this.#members.map(({ port }) => `localhost:${port}`).join(",");
  }

  get brokerIds(): number[] {
    return this.#members.map(({ brokerId }) => brokerId);
  }

  broker(brokerId: number): BrokerProcess {
    const { process } = this.#member(brokerId);
    if (process === null) throw new Error(`broker ${brokerId} does not run`);
    return process;
  }

  /** What the brokers have logged last, for whoever has to find out why a test failed. */
  get lastWords(): string {
    const running = this.#members.filter(({ process }) => process !== null);
    const words = running.map(({ brokerId, process }) => {
      return [`broker ${brokerId}:`, ...process!.output.trimEnd().split("\n").slice(-LAST_WORDS)].join("\n  ");
    });
    return words.join("\n");
  }

  portOf(brokerId: number): number {
    return this.#member(brokerId).port;
  }

  dataDirectoryOf(brokerId: number): string {
    return this.#member(brokerId).dataDirectory;
  }

  /** All of a broker's `log.dirs`. */
  logDirsOf(brokerId: number): string[] {
    const { dataDirectory } = this.#member(brokerId);
    return Array.from({ length: this.#directories }, (_, index) =>
      index === 0 ? dataDirectory : `${dataDirectory}-${index}`,
    );
  }

  async startBroker(brokerId: number, set: readonly string[] = []): Promise<BrokerProcess> {
    const member = this.#member(brokerId);
    const { port, wires } = member;
    const connect = wires === null ? this.connect : connectTo(wires.toZooKeeper.map((proxy) => proxy.port));
    const settings = [`node.id=${brokerId}`, `zookeeper.connect=${connect}`, ...this.#set, ...set];
    if (this.#hasRacks) settings.push(`broker.rack=rack-${brokerId}`);
    if (wires !== null) settings.push(...listenerSettings(port, wires));
    member.process = await BrokerProcess.start({
      port,
      ...(wires !== null && { listeners: listenersOn(port, wires.port) }),
      // `log.dirs`, which may be several.
      dataDirectory: this.logDirsOf(brokerId).join(","),
      args: settings.flatMap((setting) => ["--set", setting]),
    });
    return member.process;
  }

  /** SIGTERM: the broker hands its leaderships over. */
  async stopBroker(brokerId: number): Promise<void> {
    const member = this.#member(brokerId);
    await member.process?.stop();
    member.process = null;
  }

  /** SIGKILL. */
  async killBroker(brokerId: number): Promise<void> {
    const member = this.#member(brokerId);
    await member.process?.kill();
    member.process = null;
  }

  pauseBroker(brokerId: number): void {
    this.broker(brokerId).child.kill("SIGSTOP");
  }

  resumeBroker(brokerId: number): void {
    this.broker(brokerId).child.kill("SIGCONT");
  }

  /** From now on nothing gets through between a broker and ZooKeeper, or only the other way. */
  cutFromZooKeeper(brokerId: number, direction: CutDirection = "both"): void {
    for (const proxy of this.#wiresOf(brokerId).toZooKeeper) proxy.cut(direction);
  }

  /** From now on nothing gets through between a broker and the others; with "from" only nothing that it sends. */
  cutFromBrokers(brokerId: number, direction: "both" | "from" = "both"): void {
    for (const other of this.brokerIds.filter((id) => id !== brokerId)) {
      this.#wiresOf(other).fromBrokers.cut(direction === "both" ? "both" : "to", brokerId);
      this.#wiresOf(brokerId).fromBrokers.cut(direction, other);
    }
  }

  /** Everything gets through again. */
  mend(): void {
    for (const { brokerId } of this.#members) {
      const { fromBrokers, toZooKeeper } = this.#wiresOf(brokerId);
      for (const proxy of [fromBrokers, ...toZooKeeper]) proxy.mend();
    }
  }

  async stop(): Promise<void> {
    for (const { wires } of this.#members) if (wires !== null) this.mend();
    for (const { process } of this.#members) process?.child.kill("SIGCONT");
    await Promise.all(this.#members.map(({ brokerId }) => this.stopBroker(brokerId)));
    for (const { wires } of this.#members) {
      for (const proxy of wires === null ? [] : [wires.fromBrokers, ...wires.toZooKeeper]) await proxy.close();
    }
    await this.ensemble.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #wiresOf(brokerId: number): Wires {
    const { wires } = this.#member(brokerId);
    if (wires === null) throw new Error("the cluster was not started as one that can be cut");
    return wires;
  }

  #member(brokerId: number): Member {
    const member = this.#members.find((each) => each.brokerId === brokerId);
    if (member === undefined) throw new RangeError(`there is no broker ${brokerId}`);
    return member;
  }
}

function connectTo(ports: readonly number[]): string {
  return `${ports.map((port) => `127.0.0.1:${port}`).join(",")}/ottla`;
}

async function layWires(ensemble: ZooKeeperEnsemble): Promise<Wires> {
  const toZooKeeper = ensemble.addresses.map((server) => FaultProxy.listen(() => server.port));
  const fromBrokers = await FaultProxy.listen(() => wires.port);
  const wires: Wires = { port: 0, fromBrokers, toZooKeeper: await Promise.all(toZooKeeper) };
  return wires;
}

function listenersOn(port: number, brokersPort: number): string {
  return `PLAINTEXT://localhost:${port},BROKERS://localhost:${brokersPort}`;
}

function listenerSettings(port: number, { fromBrokers }: Wires): string[] {
  return [
    `advertised.listeners=${listenersOn(port, fromBrokers.port)}`,
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BROKERS:PLAINTEXT",
    "inter.broker.listener.name=BROKERS",
  ];
}
