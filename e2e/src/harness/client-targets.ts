import type { CapturedFrame } from "./capture-proxy.ts";
import { CapturedBroker } from "./captured-broker.ts";
import { ClusterProcesses } from "./cluster-processes.ts";
import { zooKeeperClassPath } from "./external.ts";

/** What other people's clients are tried on, while it runs. */
export interface RunningTarget {
  /** Of all brokers. */
  readonly bootstrapServers: string;
  readonly brokerIds: readonly number[];
  /** What was said, where that is kept. */
  readonly frames: readonly CapturedFrame[];
  stop(): Promise<void>;
}

export interface ClientTarget {
  readonly name: string;
  readonly isCluster: boolean;
  start(config?: Readonly<Record<string, string | number>>): Promise<RunningTarget>;
}

const ONE_BROKER: ClientTarget = {
  name: "one broker",
  isCluster: false,
  async start(config) {
    const broker = await CapturedBroker.start(config);
    const { bootstrapServers } = broker;
    return { bootstrapServers, brokerIds: [1], frames: broker.proxy.frames, stop: () => broker.stop() };
  },
};

const CLUSTER: ClientTarget = {
  name: "a cluster of three on ZooKeeper",
  isCluster: true,
  async start(config) {
    const settings = { "group.initial.rebalance.delay.ms": 0, ...config };
    const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    const cluster = await ClusterProcesses.start({ set });
    const { bootstrapServers, brokerIds } = cluster;
    return { bootstrapServers, brokerIds, frames: [], stop: () => cluster.stop() };
  },
};

/** One broker, and a cluster of broker processes. */
export const everyClientTarget: readonly ClientTarget[] =
  zooKeeperClassPath === null ? [ONE_BROKER] : [ONE_BROKER, CLUSTER];

/** One broker; in the long form a cluster as well. */
export const clientTargets: readonly ClientTarget[] = process.env.OTTLA_TEST_DEEP ? everyClientTarget : [ONE_BROKER];
