import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin, type PartialFailureError } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";

const RECORDS = 100;

interface Running {
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

const targets: readonly [name: string, isAbsent: boolean, start: (logDirs: string) => Promise<Running>][] = [
  ["our broker", false, (logDirs) => BrokerProcess.start({ dataDirectory: logDirs })],
  [
    "Apache Kafka",
    external.java === null || kafkaClassPath === null,
    (logDirs) => KafkaProcess.start({ "log.dirs": logDirs }),
  ],
];

for (const [name, isAbsent, start] of targets) {
  describe.skipIf(isAbsent)(`replicas and log directories of ${name}`, () => {
    let root: string;
    let running: Running;
    let admin: Admin;
    let brokerId: number;
    let paths: readonly string[];

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "ottla-log-dirs-"));
      paths = ["a", "b"].map((directory) => join(root, directory));
      running = await start(paths.join(","));
      admin = new Admin({ bootstrapServers: running.bootstrapServers });
      brokerId = (await admin.describeCluster()).brokers[0]!.id;
      await admin.createTopics([{ name: "orders", partitions: 2 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      await producer.send(
        Array.from({ length: RECORDS }, (_, i) => ({ topic: "orders", partition: i % 2, value: "v" })),
      );
    });
    afterAll(async () => {
      await admin?.close();
      await running?.stop();
      await rm(root, { recursive: true, force: true });
    });

    const replica = (partition: number, topic = "orders") => ({ topic, partition, broker: brokerId });
    const places = async () => {
      const described = await admin.describeReplicaLogDirs([replica(0), replica(1)]);
      return described.map(({ current, future }) => [current?.path, future?.path]);
    };
    const failureOf = async (promise: Promise<unknown>) =>
      (await promise.then(
        () => expect.fail("it did not fail"),
        (error: unknown) => error,
      )) as PartialFailureError;

    it("are described, and moved to where they shall be", async () => {
      const before = await places();
      expect(paths).toEqual(expect.arrayContaining(before.map(([current]) => current)));
      const target = paths.find((path) => path !== before[0]![0])!;
      await admin.alterReplicaLogDirs([{ ...replica(0), path: target }]);
      await expect.poll(places, { timeout: 30_000 }).toEqual([[target, undefined], before[1]]);
      const [ends] = await admin.listOffsets([{ topic: "orders", partition: 0, spec: "latest" }]);
      expect(ends).toMatchObject({ offset: RECORDS / 2 });
    });

    it("are described in the order of the question, with nothing of those that are not there", async () => {
      const described = await admin.describeReplicaLogDirs([replica(1), replica(0, "no-such"), replica(0)]);
      expect(described.map(({ topic, partition, current }) => [topic, partition, current === null])).toEqual([
        ["orders", 1, false],
        ["no-such", 0, true],
        ["orders", 0, false],
      ]);
      expect(described[0]).toMatchObject({ broker: brokerId, current: { offsetLag: 0 }, future: null });
    });

    it("fail one by one", async () => {
      const error = await failureOf(
        admin.alterReplicaLogDirs([
          { ...replica(0), path: join(root, "elsewhere") },
          { ...replica(1), path: (await places())[1]![0]! },
          { ...replica(0, "no-such"), path: paths[0]! },
        ]),
      );
      expect(error.failures.map(({ resource, error: { code } }) => [resource, code]).sort()).toEqual([
        [`no-such-0 on broker ${brokerId}`, "UNKNOWN_TOPIC_OR_PARTITION"],
        [`orders-0 on broker ${brokerId}`, "LOG_DIR_NOT_FOUND"],
      ]);
      const unreached = await failureOf(
        admin.describeReplicaLogDirs([{ ...replica(0), broker: 4711 }, replica(1)], { timeoutMs: 1_000 }),
      );
      expect(unreached.failures.map(({ resource }) => resource)).toEqual(["orders-0 on broker 4711"]);
      expect(unreached.results).toMatchObject([{ topic: "orders", partition: 1 }]);
    });
  });
}
