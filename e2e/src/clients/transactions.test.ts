import "../harness/codecs.ts";
import "../harness/with-resolvers.ts";
import { Consumer, type IsolationLevel } from "@ottla/consumer";
import { describeProducersApi } from "@ottla/protocol";
import { Producer as PlatformaticProducer, stringSerializers } from "@platformatic/kafka";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { leaveHangingTransaction, newClient } from "../harness/hanging-transaction.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { run } from "../harness/process.ts";
import { until } from "../harness/until.ts";

/** Reads one partition from beginning to end. */
async function readAll(bootstrapServers: string, topic: string, isolationLevel: IsolationLevel): Promise<string[]> {
  await using consumer = new Consumer({
    bootstrapServers,
    isolationLevel,
    autoOffsetReset: "earliest",
    fetchMaxWaitMs: 50,
  });
  const partition = { topic, partition: 0 };
  consumer.assign([partition]);
  const [end] = await consumer.endOffsets([partition]);
  const values: string[] = [];
  const reading = (async () => {
    for await (const record of consumer) values.push(String(record.value));
  })();
  await until("read to the end", async () => (await consumer.position(partition)) === end!.offset);
  await consumer.close();
  await reading;
  return values;
}

describe.each(clientTargets)("other people's transactional clients on $name", ({ start }) => {
  let broker: RunningTarget;
  let admin: Admin;
  let kafka: Kafka;
  let tools: JavaTools | undefined;

  beforeAll(async () => {
    if (kafkaClassPath !== null) tools = JavaTools.start(kafkaClassPath);
    broker = await start({ "transaction.partition.verification.enable": "false" });
    kafka = new Kafka({ clientId: "kafkajs", brokers: broker.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
  });
  afterAll(async () => {
    tools?.stop();
    await admin?.disconnect();
    await broker?.stop();
  });

  it.skipIf(external.librdkafka === null)("librdkafka commits and aborts in turn", async () => {
    const { bootstrapServers } = broker;
    await admin.createTopics({ topics: [{ topic: "rd", numPartitions: 1 }] });
    const script = new URL("../harness/librdkafka_transactions.py", import.meta.url).pathname;
    const env = { ...process.env, PYTHONPATH: external.librdkafka! };
    const written = await run("python3", [script, bootstrapServers, "rd"], { env });
    expect(written.code, written.stderr).toBe(0);
    const committed = [0, 1, 2, 3, 4].flatMap((n) => [`plain-${n}`, `committed-${n}a`, `committed-${n}b`]);
    expect(await readAll(bootstrapServers, "rd", "read_committed")).toEqual(committed);
  });

  it("kafkajs commits records and offsets together, or neither", async () => {
    const { bootstrapServers } = broker;
    await admin.createTopics({ topics: [{ topic: "js", numPartitions: 1 }] });
    const producer = kafka.producer({ transactionalId: "js", maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const [index, commits] of [true, false, true].entries()) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: "js", messages: [{ value: `${index}` }] });
      const topics = [{ topic: "js", partitions: [{ partition: 0, offset: String(index + 1) }] }];
      await transaction.sendOffsets({ consumerGroupId: "js", topics });
      if (commits) await transaction.commit();
      else await transaction.abort();
    }
    await producer.disconnect();
    expect(await readAll(bootstrapServers, "js", "read_committed")).toEqual(["0", "2"]);
    const [fetched] = await admin.fetchOffsets({ groupId: "js", topics: ["js"] });
    expect(fetched!.partitions[0]!.offset).toBe("3");
  });

  it("@platformatic/kafka commits, and aborts", async () => {
    const { bootstrapServers } = broker;
    await admin.createTopics({ topics: [{ topic: "pt", numPartitions: 1 }] });
    const producer = new PlatformaticProducer({
      clientId: "pt",
      bootstrapBrokers: bootstrapServers.split(","),
      transactionalId: "pt",
      idempotent: true,
      serializers: stringSerializers,
    });
    for (const [index, commits] of [true, false, true].entries()) {
      const transaction = await producer.beginTransaction({});
      await transaction.send({ messages: [{ topic: "pt", partition: 0, value: `${index}` }] });
      await (commits ? transaction.commit() : transaction.abort());
    }
    await producer.close();
    expect(await readAll(bootstrapServers, "pt", "read_committed")).toEqual(["0", "2"]);
  });

  it.skipIf(kafkaClassPath === null).each([2, 1, 0])(
    "the Java producer, with transaction.version %i",
    async (version) => {
      const { bootstrapServers } = broker;
      const bootstrap = ["--bootstrap-server", bootstrapServers];
      const topic = `java-${version}`;
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
      if (version < 2) {
        const feature = ["downgrade", "--feature", `transaction.version=${version}`];
        const changed = await tools!.run("org.apache.kafka.tools.FeatureCommand", [...bootstrap, ...feature]);
        expect(changed.code, changed.stdout + changed.stderr).toBe(0);
      }
      const load = ["--num-records", "3000", "--record-size", "10", "--throughput", "3000"];
      const transactional = ["--transactional-id", topic, "--transaction-duration-ms", "100"];
      const written = await tools!.run("org.apache.kafka.tools.ProducerPerformance", [
        ...["--topic", topic, ...load, ...transactional],
        ...["--command-property", `bootstrap.servers=${bootstrapServers}`],
      ]);
      expect(written.code, written.stdout + written.stderr).toBe(0);
      expect(await readAll(bootstrapServers, topic, "read_committed")).toHaveLength(3000);
    },
  );

  it.skipIf(kafkaClassPath === null)(
    "kafka-transactions lists, describes, finds what hangs, and aborts it",
    async () => {
      const { bootstrapServers } = broker;
      await admin.createTopics({ topics: [{ topic: "hung", numPartitions: 1 }] });
      const { topics: hung } = await admin.fetchTopicMetadata({ topics: ["hung"] });
      const leader = { broker: hung[0]!.partitions[0]!.leader };
      await leaveHangingTransaction(bootstrapServers, "hung", leader);
      const tool = (...args: string[]) =>
        tools!.run("org.apache.kafka.tools.TransactionsCommand", ["--bootstrap-server", bootstrapServers, ...args]);
      const listed = await tool("list");
      expect(listed.stdout, listed.stderr).toMatch(/js\s+\d+\s+\d+\s+CompleteCommit/);
      const described = await tool("describe", "--transactional-id", "js");
      expect(described.stdout, described.stderr).toMatch(/CompleteCommit/);
      const found = await tool("find-hanging", "--topic", "hung", "--partition", "0", "--max-transaction-timeout", "0");
      expect(found.stdout, found.stderr).toMatch(/hung\s+0\s+\d+/);
      const done = await tool("abort", "--topic", "hung", "--partition", "0", "--start-offset", "0");
      expect(done.code, done.stdout + done.stderr).toBe(0);
      expect(await readAll(bootstrapServers, "hung", "read_committed")).toEqual([]);
      await using client = newClient(bootstrapServers);
      const { topics } = await client.ask(leader, describeProducersApi, {
        topics: [{ name: "hung", partitionIndexes: [0] }],
      });
      expect(topics[0]!.partitions[0]!.activeProducers[0]!.currentTxnStartOffset).toBe(-1);
    },
  );
});
