import { fileURLToPath } from "node:url";
import { freePort } from "@ottla/transport/node";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { CaptureProxy } from "../harness/capture-proxy.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";
import { run } from "../harness/process.ts";
import { DISSECTED_VERSIONS, DISSECTOR_ERRORS, type Dissection, dissect } from "../harness/tshark.ts";

/**
 * The dissector of Wireshark 4.0 is years older than the newest versions of most APIs, and takes some messages apart
 * wrongly. So clients are told to speak what it knows, and Apache Kafka is its measure: the same is said to both.
 */
const isAbsent = [external.tshark, external.kcat, external.aiokafka, kafkaClassPath].includes(null);

describe.skipIf(isAbsent)("tshark's dissector, on versions that it knows", () => {
  let tools: JavaTools;

  beforeAll(() => {
    tools = JavaTools.start(kafkaClassPath);
  });
  afterAll(() => tools?.stop());

  async function talk(bootstrapServers: string): Promise<void> {
    const kcat = async (args: string[], input = "") =>
      expect(await run(external.kcat!, ["-b", bootstrapServers, ...args], { input })).toMatchObject({ code: 0 });
    const tool = async (name: string, args: string[], input = "") => {
      const all = ["--bootstrap-server", bootstrapServers, ...args];
      const className = name.startsWith("kafka.") ? name : `org.apache.kafka.tools.${name}`;
      expect(await tools.run(className, all, { input }), `${name} ${args}`).toMatchObject({ code: 0 });
    };
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      await kcat(["-P", "-t", "by-kcat", "-z", codec, "-X", "enable.idempotence=true", "-H", "a=b"], "1\n2\n3\n");
    }
    await kcat(["-G", "kcat-group", "-X", "auto.offset.reset=earliest", "-e", "-q", "by-kcat"]);
    await kcat(["-Q", "-t", "by-kcat:0:0"]);
    const admin = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "by-kafkajs" }] });
    await admin.deleteTopics({ topics: ["by-kafkajs"] });
    await admin.disconnect();
    const program = fileURLToPath(new URL("../programs/aiokafka_program.py", import.meta.url));
    const env = { ...process.env, PYTHONPATH: external.aiokafka! };
    const { code, stderr } = await run("python3", [program, bootstrapServers, "by-aiokafka"], { env });
    expect(code, stderr).toBe(0);
    await tool("TopicCommand", ["--create", "--topic", "by-java", "--partitions", "2"]);
    await tool("ConsoleProducer", ["--topic", "by-java"], "1\n2\n3\n");
    const consume = ["--from-beginning", "--max-messages", "3", "--timeout-ms", "20000", "--group", "java-group"];
    await tool("consumer.ConsoleConsumer", ["--topic", "by-java", ...consume]);
    await tool("TopicCommand", ["--describe", "--exclude-internal"]);
    await tool("TopicCommand", ["--alter", "--topic", "by-java", "--partitions", "3"]);
    const ofTopic = ["--entity-type", "topics", "--entity-name", "by-java"];
    await tool("kafka.admin.ConfigCommand", ["--alter", ...ofTopic, "--add-config", "retention.ms=600000"]);
    await tool("kafka.admin.ConfigCommand", ["--describe", ...ofTopic]);
    await tool("consumer.group.ConsumerGroupCommand", ["--describe", "--group", "java-group"]);
    await tool("consumer.group.ConsumerGroupCommand", ["--delete", "--group", "java-group"]);
    await tool("GetOffsetShell", ["--topic", "by-java"]);
    await tool("LogDirsCommand", ["--describe", "--topic-list", "by-java"]);
    await tool("TopicCommand", ["--delete", "--topic", "by-java"]);
  }

  async function dissected(start: (proxy: CaptureProxy) => Promise<() => Promise<unknown>>): Promise<Dissection> {
    const proxy = await CaptureProxy.listen(DISSECTED_VERSIONS);
    const stop = await start(proxy);
    try {
      await talk(`127.0.0.1:${proxy.port}`);
      return await dissect(proxy.frames);
    } finally {
      await proxy.close();
      await stop();
    }
  }

  it("finds nothing malformed in ours that it does not find in Apache Kafka's", { timeout: 120_000 }, async () => {
    const ours = await dissected(async (proxy) => {
      const args = ["--set", `advertised.listeners=PLAINTEXT://127.0.0.1:${proxy.port}`];
      const broker = await BrokerProcess.start({ port: await freePort(), args });
      proxy.forwardTo(broker.port);
      return () => broker.stop();
    });
    const theirs = await dissected(async (proxy) => {
      const kafka = await KafkaProcess.start({ "advertised.listeners": `PLAINTEXT://127.0.0.1:${proxy.port}` });
      proxy.forwardTo(kafka.port);
      return () => kafka.stop();
    });
    expect(ours.judged).toBeGreaterThan(2 * ours.unknown);
    expect(ours.complaints.filter((complaint) => !theirs.complaints.includes(complaint))).toEqual([]);
    // What the other tests let pass as errors of the dissector is what it finds here in Apache Kafka's frames.
    for (const error of DISSECTOR_ERRORS)
      expect(
        theirs.complaints.some((one) => error.test(one)),
        `${error}`,
      ).toBe(true);
  });
});
