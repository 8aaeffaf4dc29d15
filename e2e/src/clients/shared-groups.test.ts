import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { OurMember, startJavaClient, startKafkaJs, startLibrdkafka } from "../harness/group-members.ts";
import { run } from "../harness/process.ts";
import { SharedGroup } from "../harness/shared-group.ts";
import { sharedKafka } from "../harness/shared-kafka.ts";
import { until } from "../harness/until.ts";

const isWithoutClients = external.librdkafka === null || kafkaClassPath === null;
const SESSION_TIMEOUT_MS = 3_000;
const PARTITIONS = 12;

const HEARTBEAT_INTERVAL_MS = 300;

/** How fast members may be heard of, or missed; the Apache Kafka that files share has the same bounds. */
const BOUNDS = {
  "group.min.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
};

/** Members of our SDK, librdkafka and the Java client come, go and are killed while records flow. */
async function shareConsumerProtocolGroup(bootstrapServers: string, admin: Admin): Promise<void> {
  const topic = "shared-848";
  const groupId = "group-848";
  const changes = [
    { key: "consumer.session.timeout.ms", value: SESSION_TIMEOUT_MS },
    { key: "consumer.heartbeat.interval.ms", value: HEARTBEAT_INTERVAL_MS },
  ];
  await admin.incrementalAlterConfigs([{ type: "group", name: groupId, changes }]);
  await admin.createTopics([{ name: topic, partitions: PARTITIONS }]);
  await using group = new SharedGroup(bootstrapServers, topic, PARTITIONS);
  const { onRecord } = group;
  const foreign = {
    "bootstrap.servers": bootstrapServers,
    "group.id": groupId,
    "group.protocol": "consumer",
    "auto.offset.reset": "earliest",
    "auto.commit.interval.ms": "200",
  };
  const ours = (topics: string | RegExp) =>
    new OurMember({ bootstrapServers, groupId, groupProtocol: "consumer", topics }, onRecord);
  const first = ours(topic);
  await group.add(first);
  const [theirs, javaMember] = [startLibrdkafka(topic, foreign, onRecord), startJavaClient(topic, foreign, onRecord)];
  await group.add(theirs, javaMember);
  await group.add(ours(/^shared-/));
  await group.kill(javaMember);
  await group.close(first);
  await group.add(startJavaClient(topic, foreign, onRecord));
  await group.kill(theirs);
  await group.finish();
}

describe.each(clientTargets)(
  "one classic group of our SDK, kafkajs, librdkafka and the Java client, on $name",
  (target) => {
    let broker: RunningTarget;
    let admin: Admin;

    beforeAll(async () => {
      broker = await target.start(BOUNDS);
      admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    });
    afterAll(async () => {
      await admin?.close();
      await broker?.stop();
    });

    it.skipIf(isWithoutClients)("members are killed and added as records flow, and nothing is lost", async () => {
      const { bootstrapServers } = broker;
      const topic = "shared";
      await admin.createTopics([{ name: topic, partitions: PARTITIONS }]);
      await using group = new SharedGroup(bootstrapServers, topic, PARTITIONS);
      const { onRecord } = group;
      const groupId = "shared-group";
      const timeouts = { "session.timeout.ms": `${SESSION_TIMEOUT_MS}`, "heartbeat.interval.ms": "200" };
      const foreign = {
        "bootstrap.servers": bootstrapServers,
        "group.id": groupId,
        "auto.offset.reset": "earliest",
        "auto.commit.interval.ms": "200",
        ...timeouts,
      };
      const ours = () =>
        new OurMember(
          {
            bootstrapServers,
            groupId,
            topics: topic,
            partitionAssignors: ["roundrobin"],
            sessionTimeoutMs: SESSION_TIMEOUT_MS,
            heartbeatIntervalMs: 200,
          },
          onRecord,
        );
      const java = () =>
        startJavaClient(
          topic,
          { ...foreign, "partition.assignment.strategy": "org.apache.kafka.clients.consumer.RoundRobinAssignor" },
          onRecord,
        );
      const librdkafka = () =>
        startLibrdkafka(topic, { ...foreign, "partition.assignment.strategy": "roundrobin" }, onRecord);

      const first = ours();
      await group.add(first);
      const [theirs, javaMember] = [librdkafka(), java()];
      await group.add(theirs, javaMember);
      const kafkaJs = await startKafkaJs(
        { bootstrapServers, groupId, topic, sessionTimeoutMs: SESSION_TIMEOUT_MS },
        onRecord,
      );
      await group.add(kafkaJs);
      await group.close(first); // it led the group
      await group.add(ours());
      await group.kill(javaMember);
      await group.add(java());
      await group.kill(theirs);
      await group.close(kafkaJs);
      await group.finish();
    });

    it.skipIf(isWithoutClients)(
      "one of the consumer protocol is shared by all clients that have it",
      async ({ skip }) => {
        const { finalized } = await admin.describeFeatures();
        const hasProtocol = (finalized["group.version"]?.maxLevel ?? 0) >= 1;
        skip(!hasProtocol, "the broker does not have the consumer protocol");
        await shareConsumerProtocolGroup(broker.bootstrapServers, admin);
      },
    );

    it("ten static members restart one after another without a rebalance", async () => {
      const { bootstrapServers } = broker;
      const topic = "static";
      await admin.createTopics([{ name: topic, partitions: 20 }]);
      const start = (index: number) =>
        new OurMember({
          bootstrapServers,
          groupId: "static-group",
          groupInstanceId: `instance-${index}`,
          topics: topic,
          heartbeatIntervalMs: 100,
        });
      const members = Array.from({ length: 10 }, (_, index) => start(index));
      const isShared = () => members.every((member) => member.assigned().length === 2);
      await until("shared out", isShared);
      const before = members.map((member) => member.assigned());
      const { generationId } = members[0]!.consumer.groupMetadata();
      let rebalances = 0;
      for (let index = 0; index < members.length; index++) {
        await members[index]!.close();
        members[index] = start(index);
        members[index]!.consumer.on("revoked", () => rebalances++);
        await until("back", () => members[index]!.assigned().length > 0);
      }
      expect(members.map((member) => member.assigned())).toEqual(before);
      const generations = members.map((member) => member.consumer.groupMetadata().generationId);
      expect([new Set(generations), rebalances]).toEqual([new Set([generationId]), 0]);
      for (const member of members) await member.close();
    });

    it("a group goes from eager to cooperative by a rolling restart, and never stops reading", async () => {
      const { bootstrapServers } = broker;
      const topic = "upgrade";
      await admin.createTopics([{ name: topic, partitions: PARTITIONS }]);
      await using group = new SharedGroup(bootstrapServers, topic, PARTITIONS);
      const start = (...partitionAssignors: ("range" | "cooperative-sticky")[]) =>
        new OurMember(
          { bootstrapServers, groupId: "upgrade-group", topics: topic, partitionAssignors, heartbeatIntervalMs: 100 },
          group.onRecord,
        );
      let members = [start("range"), start("range"), start("range")];
      await group.add(...members);
      for (const assignors of [["range", "cooperative-sticky"], ["cooperative-sticky"]] as const) {
        const next: OurMember[] = [];
        for (const member of members) {
          await group.close(member);
          next.push(start(...assignors));
          await group.add(next.at(-1)!);
        }
        members = next;
      }
      // Cooperative by now: a member that joins takes only its share from the others.
      const revoked: number[] = [];
      for (const member of members) member.consumer.on("revoked", ({ partitions }) => revoked.push(partitions.length));
      members.push(start("cooperative-sticky"));
      await group.add(members.at(-1)!);
      // Who gives up its share a rebalance later than the others still holds it when the newcomer has its first partitions.
      const isShared = () => members.every((member) => member.assigned().length === PARTITIONS / members.length);
      await until("shared out", isShared);
      expect(revoked).toEqual([1, 1, 1]);
      await group.finish();
    });
  },
);

describe.skipIf(kafkaClassPath === null)("on Apache Kafka", () => {
  let bootstrapServers: string;
  let admin: Admin;

  beforeAll(async () => {
    bootstrapServers = await sharedKafka(kafkaClassPath!);
    admin = new Admin({ bootstrapServers });
  });
  afterAll(() => admin?.close());

  it.skipIf(isWithoutClients)("one group of the consumer protocol is shared by all clients that have it", async () => {
    await shareConsumerProtocolGroup(bootstrapServers, admin);
  });

  it.skipIf(external.librdkafka === null)("read_committed shows no record of an aborted transaction", async () => {
    const topic = "transactions-of-librdkafka";
    await admin.createTopics([{ name: topic, partitions: 1 }]);
    const script = new URL("../harness/librdkafka_transactions.py", import.meta.url).pathname;
    const env = { ...process.env, PYTHONPATH: external.librdkafka! };
    const written = await run("python3", [script, bootstrapServers, topic], { env });
    expect(written.code, written.stderr).toBe(0);
    const rounds = [0, 1, 2, 3, 4];
    const committed = rounds.flatMap((n) => [`plain-${n}`, `committed-${n}a`, `committed-${n}b`]);
    const all = rounds.flatMap((n) => [
      ...[`aborted-${n}a`, `aborted-${n}b`, `plain-${n}`],
      ...[`committed-${n}a`, `committed-${n}b`],
    ]);
    // Small fetches cut transactions in pieces.
    for (const maxPartitionFetchBytes of [1, 200, 1_048_576]) {
      expect(await readAll(topic, "read_committed", maxPartitionFetchBytes)).toEqual(committed);
      expect(await readAll(topic, "read_uncommitted", maxPartitionFetchBytes)).toEqual(all);
    }
  });

  async function readAll(
    topic: string,
    isolationLevel: "read_committed" | "read_uncommitted",
    maxPartitionFetchBytes: number,
  ): Promise<string[]> {
    const options = { bootstrapServers, isolationLevel, maxPartitionFetchBytes, fetchMaxWaitMs: 50 };
    await using consumer = new Consumer({ ...options, autoOffsetReset: "earliest" });
    const partition = { topic, partition: 0 };
    consumer.assign([partition]);
    const [end] = await consumer.endOffsets([partition]);
    const values: string[] = [];
    const reading = (async () => {
      for await (const record of consumer) values.push(record.value!);
    })();
    await until("read to the end", async () => (await consumer.position(partition)) === end!.offset);
    await consumer.close();
    await reading;
    return values;
  }
});
