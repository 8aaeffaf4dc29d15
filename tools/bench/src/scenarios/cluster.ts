import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { CatchingUp } from "../cluster/catching-up.ts";
import { adminOf, oneAfterAnother, PARTITIONS, produce, VALUE } from "../cluster/load.ts";
import type { Contestant, Effort, Measurement, Row, Scenario } from "../harness/scenario.ts";
import { type BenchCluster, BROKERS, hasZooKeeper, KafkaCluster, OttlaCluster } from "../processes/cluster.ts";
import { hasKafka } from "../processes/kafka.ts";
import { until } from "../processes/until.ts";
import { MEGABYTE, removeDirectory, temporaryDirectory } from "../storage/temporary-log.ts";

const SETTLE_MS = 2_000;
/** Of a replica that is held back (`leader.replication.throttled.rate`). */
const THROTTLED_MEGABYTES = 50;
/** Of what a replica fetches: buffers and the page cache do not take exactly the pages that were touched. */
const BARE_WRITES_SHARE = 1.5;
/** What {@link rows} creates with replicas on all brokers. */
const REPLICATED_TOPICS = ["three", "remembered", "failing"];

/**
 * Of topics that are written to for long: a broker that has run for a week deletes as much as it writes, into memory that it had
 * before. To take new memory from the host may cost more than all else.
 */
const KEEPS_LITTLE = {
  "segment.bytes": String(32 * MEGABYTE),
  "retention.bytes": String(32 * MEGABYTE),
  "file.delete.delay.ms": "1000",
};
const RETENTION_CHECK_INTERVAL_MS = "2000";

/** As `ottla cluster start` sets it. */
const REPLICATED = {
  "default.replication.factor": "3",
  "offsets.topic.replication.factor": "3",
  "min.insync.replicas": "2",
};

/** The defaults are 18 s and 9 s: nobody wants to wait for those. Heartbeats that are lost or late cost no session: ZooKeeper's ends first. */
const SETTINGS = [
  "zookeeper.session.timeout.ms=2000",
  "broker.session.timeout.ms=3000",
  "broker.heartbeat.interval.ms=500",
  `log.retention.check.interval.ms=${RETENTION_CHECK_INTERVAL_MS}`,
];

const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

async function create(
  cluster: BenchCluster,
  name: string,
  partitions: number,
  replicationFactor: number,
  retention: Readonly<Record<string, string>> = {},
) {
  const configs = { "min.insync.replicas": String(Math.min(2, replicationFactor)), ...retention };
  await using admin = adminOf(cluster);
  await admin.createTopics([{ name, partitions, replicationFactor, configs }]);
}

interface ProducingRecords {
  /**
   * In the first repetition, which does not count: brokers that have just started spend their time on compiling. A code path
   * that is taken once for each batch is compiled to the end after some ten million records.
   */
  readonly warmUp: number;
  readonly measured: number;
}

/** Records of one producer with acks=all; the CPU is that of all brokers. */
class Producing implements Contestant {
  readonly name: string;
  readonly #cluster: BenchCluster;
  readonly #topic: string;
  readonly #records: ProducingRecords;
  #producer: Producer | null = null;

  constructor(name: string, cluster: BenchCluster, topic: string, records: ProducingRecords) {
    this.name = name;
    this.#cluster = cluster;
    this.#topic = topic;
    this.#records = records;
  }

  async measure(): Promise<Measurement> {
    const records = this.#producer === null ? this.#records.warmUp : this.#records.measured;
    this.#producer ??= new Producer({ bootstrapServers: this.#cluster.bootstrapServers, acks: "all" });
    const cpuMs = this.#cluster.cpuMs();
    const startedMs = performance.now();
    await produce(this.#producer, this.#topic, records, VALUE);
    const elapsedMs = performance.now() - startedMs;
    const spentMs = this.#cluster.cpuMs() - cpuMs;
    return {
      figure: (records * 1000) / elapsedMs,
      ...(spentMs > 0 && { perBrokerCpuSecond: (records * 1000) / spentMs }),
    };
  }

  async close(): Promise<void> {
    await this.#producer?.close();
  }
}

function latencyOf(name: string, cluster: BenchCluster, records: number): Contestant {
  return { name, measure: () => oneAfterAnother(cluster, "three", (sent) => sent < records) };
}

/** From the request until every partition has taken a record. */
function creating(name: string, cluster: BenchCluster, partitions: number): Contestant {
  return {
    name,
    async measure() {
      const topic = `many-${partitions}`;
      const startedMs = performance.now();
      await create(cluster, topic, partitions, 1);
      await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 120_000 });
      await producer.send(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: VALUE })));
      return { figure: performance.now() - startedMs };
    },
  };
}

/** What the replicas of a topic add to the memory of all brokers. */
function memory(name: string, cluster: OttlaCluster, partitions: number): Contestant {
  return {
    name,
    async measure() {
      await pause(SETTLE_MS);
      const before = cluster.residentBytes();
      await create(cluster, "remembered", partitions, BROKERS);
      await pause(SETTLE_MS);
      return { figure: (cluster.residentBytes() - before) / 1024 / (partitions * BROKERS) };
    },
  };
}

/** From the start of a broker that is new to the cluster until it serves: it has read all metadata by then. */
function joining(name: string, cluster: OttlaCluster): Contestant {
  return {
    name,
    async measure() {
      return { figure: await cluster.join() };
    },
  };
}

/** Until every replica is in sync: a broker that was away has its own work to do first. */
async function inSync(admin: Admin): Promise<void> {
  await until("every replica is in sync", async () =>
    (await admin.describeTopics(REPLICATED_TOPICS)).every(({ partitions }) =>
      partitions.every(({ replicas, inSyncReplicas }) => inSyncReplicas.length === replicas.length),
    ),
  );
}

/**
 * From the time at which ZooKeeper ends the session of a broker that was killed until every partition has taken a record. The
 * broker is back afterwards, and leads what it led before.
 */
function failingOver(name: string, cluster: OttlaCluster, partitions: number): Contestant {
  const topic = "failing";
  const records = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: VALUE }));
  return {
    name,
    prepare: () => create(cluster, topic, partitions, BROKERS),
    async measure() {
      await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 120_000 });
      await producer.send(records);
      const sessionEndMs = cluster.sessionEndMs(BROKERS);
      cluster.kill(BROKERS);
      await producer.send(records);
      const figure = performance.now() - (await sessionEndMs);
      await cluster.restart(BROKERS);
      await using admin = adminOf(cluster);
      await inSync(admin);
      await admin.electLeaders("preferred", null);
      return { figure };
    },
  };
}

/**
 * Writes to a file of nobody, which then goes. Where the host takes back what memory its guest leaves alone, a page costs
 * many times as much on its first touch: the first pass shows it and pays it for those that come after.
 */
function bareWrites(name: string, megabytes: number): Contestant {
  return {
    name,
    measure() {
      const directory = temporaryDirectory();
      try {
        const file = openSync(join(directory, "bare"), "w");
        const chunk = new Uint8Array(MEGABYTE).fill(7);
        const startedMs = performance.now();
        for (let written = 0; written < megabytes; written++) writeSync(file, chunk);
        const elapsedMs = performance.now() - startedMs;
        closeSync(file);
        return { figure: (megabytes * 1000) / elapsedMs };
      } finally {
        removeDirectory(directory);
      }
    },
  };
}

/** Null where there is none, or it does not start: our own rows do without. */
async function startKafka(): Promise<KafkaCluster | null> {
  if (!hasKafka()) return null;
  try {
    return await KafkaCluster.start({
      ...REPLICATED,
      "log.retention.check.interval.ms": RETENTION_CHECK_INTERVAL_MS,
    });
  } catch (error) {
    console.error(`  SKIPPED: three nodes of Apache Kafka did not start: ${String(error)}`);
    return null;
  }
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  if (!hasZooKeeper()) {
    console.error("  SKIPPED: ZooKeeper's jars or Java are absent: there are no clusters without them");
    return;
  }
  const ottla = await OttlaCluster.start(SETTINGS);
  let kafka: KafkaCluster | null = null;
  try {
    kafka = await startKafka();
    const clusters: readonly (readonly [string, BenchCluster])[] = [
      ["ottla", ottla],
      ...(kafka === null ? [] : [["Apache Kafka", kafka] as const]),
    ];
    const once = { repetitions: 1, warmUps: 0 };
    const own = { ...once, baseline: "ottla" };
    for (const [, cluster] of clusters) {
      await create(cluster, "three", PARTITIONS, BROKERS, KEEPS_LITTLE);
      await create(cluster, "one", PARTITIONS, 1, KEEPS_LITTLE);
    }
    const records = quick ? { warmUp: 50_000, measured: 50_000 } : { warmUp: 4_000_000, measured: 1_000_000 };
    const steady = { ...records, warmUp: 3 * records.warmUp };
    yield {
      name: "produce, acks=all, replication factor 3",
      unit: "records/s",
      baseline: clusters.at(-1)![0],
      recordBytes: VALUE.length,
      repetitions: quick ? 1 : 5,
      contestants: clusters.map(([name, cluster]) => new Producing(name, cluster, "three", records)),
    };
    for (const [name, cluster] of clusters) {
      yield {
        name: `${name}, replication factor 3 beside 1: records for each second of the brokers' CPU`,
        unit: "records/s",
        baseline: "factor 1",
        recordBytes: VALUE.length,
        repetitions: quick ? 1 : 5,
        contestants: [
          new Producing("factor 3", cluster, "three", steady),
          new Producing("factor 1", cluster, "one", steady),
        ],
      };
    }
    yield {
      name: "one record after another, acks=all, replication factor 3: 99th percentile",
      unit: "ms",
      better: "less",
      baseline: clusters.at(-1)![0],
      repetitions: quick ? 1 : 3,
      contestants: clusters.map(([name, cluster]) => latencyOf(name, cluster, quick ? 200 : 2_000)),
    };
    await kafka?.stop();
    kafka = null;
    const partitions = quick ? 1_000 : 10_000;
    const counted = partitions.toLocaleString("en");
    const joins = { ...own, unit: "ms", better: "less" } as const;
    yield {
      ...joins,
      name: "a broker is started that joins the cluster, until it serves",
      contestants: [joining("ottla", ottla)],
    };
    yield {
      ...own,
      name: `creating ${counted} partitions, factor 1, until all have taken a record`,
      unit: "ms",
      better: "less",
      contestants: [creating("ottla", ottla, partitions)],
    };
    yield {
      ...joins,
      name: `the same with the metadata of ${counted} partitions more`,
      contestants: [joining("ottla", ottla)],
    };
    yield {
      ...own,
      name: "memory of all brokers for each replica of an empty partition",
      unit: "kB",
      better: "less",
      contestants: [memory("ottla", ottla, quick ? 300 : 3_000)],
    };
    yield {
      ...own,
      repetitions: quick ? 1 : 3,
      name: `failing over: a broker of ${quick ? "300" : "3,000"} partitions is killed, from the end of its session until all have taken a record`,
      unit: "ms",
      better: "less",
      contestants: [failingOver("ottla", ottla, quick ? 300 : 3_000)],
    };
    const megabytes = quick ? 150 : 1_000;
    const catchingUp = new CatchingUp(ottla, "caught-up", megabytes);
    await catchingUp.fill();
    const touchedMegabytes = megabytes * BARE_WRITES_SHARE;
    yield {
      ...once,
      name: "a new replica catches up",
      unit: "MB/s",
      baseline: "bare writes, memory at hand",
      contestants: [
        bareWrites("bare writes, memory as it was found", touchedMegabytes),
        bareWrites("bare writes, memory at hand", touchedMegabytes),
        catchingUp.measured("ottla"),
      ],
    };
    yield {
      name: "one record after another while a new replica catches up: 99th percentile",
      unit: "ms",
      better: "less",
      baseline: "nothing beside",
      repetitions: quick ? 1 : 3,
      warmUps: 0,
      contestants: [
        latencyOf("nothing beside", ottla, quick ? 200 : 2_000),
        catchingUp.latencyBeside(`held back to ${THROTTLED_MEGABYTES} MB/s`, "three", THROTTLED_MEGABYTES),
        catchingUp.latencyBeside("as fast as it goes", "three", null),
      ],
    };
  } finally {
    await Promise.all([ottla.stop(), kafka?.stop()]);
  }
}

const scenario: Scenario = {
  name: "cluster",
  description:
    "three brokers of ours on ZooKeeper beside three of Apache Kafka: replication, failing over, many partitions",
  quietSeconds: { quick: 50, full: 320 },
  inQuick: false,
  inFull: false,
  rows,
};
export default scenario;
