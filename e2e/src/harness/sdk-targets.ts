import { startBroker } from "@ottla/broker-app";
import { startCluster } from "@ottla/testing";
import { KAFKA_3_VERSION, KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { ClusterProcesses } from "./cluster-processes.ts";
import { kafka3ClassPath, kafkaClassPath, zooKeeperClassPath } from "./external.ts";
import { sharedKafka } from "./shared-kafka.ts";

/** Something that our SDKs are tried on. */
export interface SdkTarget {
  readonly name: string;
  /** Whether this machine lacks what it takes. */
  readonly isAbsent: boolean;
  /** Features of the broker that tests may have to know of. */
  readonly isOurs: boolean;
  /** APIs that it does not have, or not in the version that the SDK asks for. */
  readonly lacks: readonly string[];
  start(): Promise<{ readonly bootstrapServers: string; stop(): Promise<void> }>;
}

/** Tests that wait for a transaction to be aborted need not wait for Kafka's ten seconds. */
const QUICK_ABORTS = { "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500 };

/** A cluster waits three seconds for a new group's members, unless it is told not to. */
const OUR_CONFIG = { "num.partitions": 3, "group.initial.rebalance.delay.ms": 0, ...QUICK_ABORTS };

async function startOurs(address: (broker: Awaited<ReturnType<typeof startBroker>>) => string) {
  const broker = await startBroker({ port: 0, memory: true, config: OUR_CONFIG });
  return { bootstrapServers: address(broker), stop: () => broker.close() };
}

async function startOurCluster() {
  const cluster = await startCluster({ config: OUR_CONFIG });
  return { bootstrapServers: cluster.bootstrapServers, stop: () => cluster.close() };
}

async function startOurProcesses() {
  const set = Object.entries(OUR_CONFIG).map(([key, value]) => `${key}=${value}`);
  const cluster = await ClusterProcesses.start({ set });
  return { bootstrapServers: cluster.bootstrapServers, stop: () => cluster.stop() };
}

async function useKafka(classPath: string | null) {
  return { bootstrapServers: await sharedKafka(classPath!), stop: async () => {} };
}

const LAST_OF_3: SdkTarget = {
  name: `Apache Kafka ${KAFKA_3_VERSION}`,
  isAbsent: kafka3ClassPath === null,
  isOurs: false,
  lacks: ["ListConfigResources", "DescribeCluster", "ConsumerGroupDescribe"],
  start: () => useKafka(kafka3ClassPath),
};

/** In the long form alone: what is in memory and one process there is three processes, disks and a ZooKeeper here. */
const CLUSTER_OF_PROCESSES: SdkTarget = {
  name: "a cluster of three of our brokers on ZooKeeper",
  isAbsent: zooKeeperClassPath === null,
  isOurs: true,
  lacks: [],
  start: startOurProcesses,
};

/** Our broker over both transports and a cluster of three, in this process; and Apache Kafka: the current release and the last of 3.x. */
export const sdkTargets: readonly SdkTarget[] = [
  {
    name: "our broker over TCP",
    isAbsent: false,
    isOurs: true,
    lacks: [],
    start: () => startOurs((broker) => broker.bootstrapServers),
  },
  {
    name: "our broker over WebSocket",
    isAbsent: false,
    isOurs: true,
    lacks: [],
    start: () => startOurs((broker) => broker.webSocketUrl),
  },
  {
    name: "a cluster of three of our brokers",
    isAbsent: false,
    isOurs: true,
    lacks: [],
    start: startOurCluster,
  },
  ...(process.env.OTTLA_TEST_DEEP ? [CLUSTER_OF_PROCESSES] : []),
  {
    name: `Apache Kafka ${KAFKA_VERSION}`,
    isAbsent: kafkaClassPath === null,
    isOurs: false,
    lacks: [],
    start: () => useKafka(kafkaClassPath),
  },
  LAST_OF_3,
];
