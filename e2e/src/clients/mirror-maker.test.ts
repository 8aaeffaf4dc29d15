import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { CapturedBroker } from "../harness/captured-broker.ts";
import { external, kafkaAppsClassPath, kafkaClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { LongRunning } from "../harness/long-running.ts";
import { propertiesText } from "../harness/properties.ts";
import { sharedKafka } from "../harness/shared-kafka.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";
import { until } from "../harness/until.ts";

/** Other files have topics and groups on the same Apache Kafka. */
const ORDERS = "mirrored-orders";
const ANSWERS = "mirrored-answers";
const GROUP = "mirrored-readers";
const PARTITIONS = 2;
const RECORDS = 100;
const READ_BY_GROUP = 60;
const TIMEOUT_MS = 120_000;

describe.skipIf(kafkaAppsClassPath === null || kafkaClassPath === null)("MirrorMaker 2", () => {
  let ours: CapturedBroker;
  let directory: string;
  let servers: { readonly ottla: string; readonly kafka: string };
  let admins: { readonly ottla: Admin; readonly kafka: Admin };

  beforeAll(async () => {
    ours = await CapturedBroker.start();
    servers = { ottla: ours.bootstrapServers, kafka: await sharedKafka(kafkaClassPath!) };
    admins = {
      ottla: new Admin({ bootstrapServers: servers.ottla }),
      kafka: new Admin({ bootstrapServers: servers.kafka }),
    };
    directory = await mkdtemp(join(tmpdir(), "ottla-mirror-"));
    await writeFile(
      join(directory, "mirror.properties"),
      propertiesText({
        clusters: "kafka,ottla",
        "kafka.bootstrap.servers": servers.kafka,
        "ottla.bootstrap.servers": servers.ottla,
        "kafka->ottla.enabled": "true",
        "kafka->ottla.topics": ORDERS,
        "ottla->kafka.enabled": "true",
        "ottla->kafka.topics": ANSWERS,
        groups: GROUP,
        ...{ "kafka.plugin.discovery": "service_load", "ottla.plugin.discovery": "service_load" },
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": 1,
        "emit.checkpoints.interval.seconds": 1,
        "refresh.topics.interval.seconds": 1,
        "refresh.groups.interval.seconds": 1,
        "offset.flush.interval.ms": 500,
        "scheduled.rebalance.max.delay.ms": 0,
        ...Object.fromEntries(
          [
            ...["replication.factor", "checkpoints.topic.replication.factor", "heartbeats.topic.replication.factor"],
            ...["offset-syncs.topic.replication.factor", "offset.storage.replication.factor"],
            ...["status.storage.replication.factor", "config.storage.replication.factor"],
          ].map((name) => [name, 1]),
        ),
      }),
    );
    const retention = { "retention.ms": "604800001" };
    await admins.kafka.createTopics([{ name: ORDERS, partitions: PARTITIONS, configs: retention }]);
    await admins.ottla.createTopics([{ name: ANSWERS, partitions: PARTITIONS, configs: retention }]);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Promise.all([admins?.kafka.close(), admins?.ottla.close()]);
    await ours?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const valuesOf = (topic: string, round: number) =>
    Array.from({ length: RECORDS }, (_, i) => `${topic}-${round}-${i}`);

  async function write(bootstrapServers: string, topic: string, round: number): Promise<void> {
    await using producer = new Producer({ bootstrapServers });
    const records = valuesOf(topic, round).map((value, i) => ({ topic, key: `k${i}`, value, headers: { i: `${i}` } }));
    await producer.send(records);
  }

  async function readInGroup(bootstrapServers: string, topic: string): Promise<void> {
    const group = { groupId: GROUP, topics: [topic], autoOffsetReset: "earliest" } as const;
    await using consumer = new Consumer({ bootstrapServers, ...group });
    let left = READ_BY_GROUP;
    for await (const _record of consumer) if (--left === 0) break;
  }

  /** All of a mirrored topic, once it has as many records as it should. */
  async function readMirrored(bootstrapServers: string, topic: string, count: number): Promise<string[]> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
    await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
    consumer.assign(partitions);
    const values: string[] = [];
    for await (const { key, value, headers } of consumer) {
      const number = value!.split("-").at(-1);
      expect([key, [...headers].map(([name, bytes]) => `${name}=${Buffer.from(bytes!)}`)]).toEqual([
        `k${number}`,
        [`i=${number}`],
      ]);
      values.push(value!);
      if (values.length === count) break;
    }
    return values;
  }

  async function isCreated(admin: Admin, topic: string): Promise<boolean> {
    return (await admin.listTopics()).some(({ name }) => name === topic);
  }

  async function committedTotal(admin: Admin, topic: string): Promise<number> {
    const offsets = (await admin.listGroupOffsets(GROUP)).filter((committed) => committed.topic === topic);
    return offsets.reduce((sum, { offset }) => sum + offset, 0);
  }

  twice(
    "mirrors topics, configs and group offsets from Apache Kafka into our broker, and back",
    async (round) => {
      await Promise.all([write(servers.kafka, ORDERS, round), write(servers.ottla, ANSWERS, round)]);
      await readInGroup(servers.kafka, ORDERS);
      const main = "org.apache.kafka.connect.mirror.MirrorMaker";
      const file = join(directory, "mirror.properties");
      const mirror = new LongRunning(external.java!, [...SMALL_JVM, "-cp", kafkaAppsClassPath!, main, file]);
      try {
        const describe = () => mirror.output;
        await until("into ours", () => isCreated(admins.ottla, `kafka.${ORDERS}`), 60_000, describe);
        await until("and back", () => isCreated(admins.kafka, `ottla.${ANSWERS}`), 60_000, describe);
        const expected = (topic: string) =>
          Array.from({ length: round }, (_, i) => valuesOf(topic, i + 1))
            .flat()
            .sort();
        const mirrored = await readMirrored(servers.ottla, `kafka.${ORDERS}`, RECORDS * round);
        expect(mirrored.sort()).toEqual(expected(ORDERS));
        const back = await readMirrored(servers.kafka, `ottla.${ANSWERS}`, RECORDS * round);
        expect(back.sort()).toEqual(expected(ANSWERS));
        const [configs] = await admins.ottla.describeConfigs([{ type: "topic", name: `kafka.${ORDERS}` }]);
        expect(configs?.entries.find(({ key }) => key === "retention.ms")?.value).toBe("604800001");
        const isSynced = async () => (await committedTotal(admins.ottla, `kafka.${ORDERS}`)) > 0;
        await until("the group's offsets are translated", isSynced, 60_000, describe);
      } finally {
        await mirror.stop("SIGTERM");
      }
    },
    TIMEOUT_MS,
  );

  itIsDissected(() => ours.proxy.frames);
});
