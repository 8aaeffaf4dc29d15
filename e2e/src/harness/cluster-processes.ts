import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BrokerProcess } from "./broker-process.ts";
import { freePort } from "./free-port.ts";
import { ZooKeeperEnsemble } from "./zookeeper-process.ts";

export interface ClusterProcessesOptions {
  /** ZooKeeper servers. Default 1. */
  readonly servers?: number;
  readonly brokers?: number;
  /** `key=value`, for every broker. */
  readonly set?: readonly string[];
}

/** Short, so that failures are noticed within seconds; a real cluster takes 18 s and 9 s. */
const TIMEOUTS = [
  "zookeeper.session.timeout.ms=2000",
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

interface Member {
  readonly brokerId: number;
  readonly port: number;
  readonly dataDirectory: string;
  process: BrokerProcess | null;
}

/** Broker processes on a real ZooKeeper ensemble, each with a port and a directory that it keeps across restarts. */
export class ClusterProcesses {
  readonly ensemble: ZooKeeperEnsemble;
  readonly #members: readonly Member[];
  readonly #directory: string;
  readonly #set: readonly string[];

  private constructor(
    ensemble: ZooKeeperEnsemble,
    members: readonly Member[],
    directory: string,
    set: readonly string[],
  ) {
    this.ensemble = ensemble;
    this.#members = members;
    this.#directory = directory;
    this.#set = set;
  }

  static async start(options: ClusterProcessesOptions = {}): Promise<ClusterProcesses> {
    const ensemble = await ZooKeeperEnsemble.start(options.servers ?? 1);
    const directory = await mkdtemp(join(tmpdir(), "ottla-cluster-"));
    const members: Member[] = [];
    for (let brokerId = 1; brokerId <= (options.brokers ?? 3); brokerId++) {
      members.push({
        brokerId,
        port: await freePort(),
        dataDirectory: join(directory, String(brokerId)),
        process: null,
      });
    }
    const replicated = members.length >= 3 ? REPLICATED : [];
    const cluster = new ClusterProcesses(ensemble, members, directory, [
      ...TIMEOUTS,
      ...replicated,
      ...(options.set ?? []),
    ]);
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
    return `${this.ensemble.addresses.map(({ host, port }) => `${host}:${port}`).join(",")}/ottla`;
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

  portOf(brokerId: number): number {
    return this.#member(brokerId).port;
  }

  dataDirectoryOf(brokerId: number): string {
    return this.#member(brokerId).dataDirectory;
  }

  async startBroker(brokerId: number, set: readonly string[] = []): Promise<BrokerProcess> {
    const member = this.#member(brokerId);
    const settings = [`node.id=${brokerId}`, `zookeeper.connect=${this.connect}`, ...this.#set, ...set];
    member.process = await BrokerProcess.start({
      port: member.port,
      dataDirectory: member.dataDirectory,
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

  async stop(): Promise<void> {
    for (const { process } of this.#members) process?.child.kill("SIGCONT");
    await Promise.all(this.#members.map(({ brokerId }) => this.stopBroker(brokerId)));
    await this.ensemble.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #member(brokerId: number): Member {
    const member = this.#members.find((each) => each.brokerId === brokerId);
    if (member === undefined) throw new RangeError(`there is no broker ${brokerId}`);
    return member;
  }
}
