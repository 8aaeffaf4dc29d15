import "../harness/codecs.ts";
import "../harness/with-resolvers.ts";
import { Admin as PlatformaticAdmin } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { run } from "../harness/process.ts";

const TOPICS = 10_000;
const TOPICS_PER_REQUEST = 1_000;

describe(`${TOPICS} topics`, () => {
  let broker: BrokerProcess;
  const names = Array.from({ length: TOPICS }, (_, i) => `many-${String(i).padStart(5, "0")}`);

  /** kafkajs makes them: in requests that it waits for with patience. */
  beforeAll(async () => {
    broker = await BrokerProcess.start({ dataDirectory: null });
    const admin = kafkajs().admin();
    await admin.connect();
    for (let at = 0; at < TOPICS; at += TOPICS_PER_REQUEST) {
      const topics = names.slice(at, at + TOPICS_PER_REQUEST).map((topic) => ({ topic, numPartitions: 1 }));
      await admin.createTopics({ topics, timeout: 30_000, waitForLeaders: false });
    }
    await admin.disconnect();
  }, 120_000);
  afterAll(() => broker?.stop());

  const kafkajs = () =>
    new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING, requestTimeout: 60_000 });

  it("kafkajs lists and describes them", async () => {
    const admin = kafkajs().admin();
    await admin.connect();
    expect((await admin.listTopics()).sort()).toEqual(names);
    expect((await admin.fetchTopicMetadata({ topics: names })).topics).toHaveLength(TOPICS);
    await admin.disconnect();
  });

  it("@platformatic/kafka lists them", async () => {
    const admin = new PlatformaticAdmin({ clientId: "many", bootstrapBrokers: [broker.bootstrapServers] });
    expect((await admin.listTopics()).sort()).toEqual(names);
    await admin.close();
  });

  it.skipIf(external.kcat === null)("librdkafka through kcat lists them", async () => {
    const { stdout } = await run(external.kcat!, ["-b", broker.bootstrapServers, "-L", "-J"]);
    expect(JSON.parse(stdout).topics).toHaveLength(TOPICS);
  });

  it.skipIf(kafkaClassPath === null)("kafka-topics lists and describes them", async () => {
    const server = ["--bootstrap-server", broker.bootstrapServers];
    using tools = JavaTools.start(kafkaClassPath);
    const topics = (...args: string[]) => tools.run("org.apache.kafka.tools.TopicCommand", [...server, ...args]);
    expect((await topics("--list")).stdout.trim().split("\n").sort()).toEqual(names);
    const described = await topics("--describe", "--topic", "many-000.*");
    expect(described.stdout.match(/Leader: 1\t/g)).toHaveLength(100);
  });
});
