import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { KAFKA_3_VERSION, KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { kafka3ClassPath, kafkaClassPath } from "../harness/external.ts";
import { kafkaTool } from "../harness/java.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { ottla } from "../harness/ottla-command.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";

/** Where the two releases differ in what their tools are called and told. */
const RELEASES = [
  {
    version: KAFKA_VERSION,
    classPath: kafkaClassPath,
    consoleProducer: "org.apache.kafka.tools.ConsoleProducer",
    brokerApiVersions: "org.apache.kafka.tools.BrokerApiVersionsCommand",
    readerProperty: "--reader-property",
    formatterProperty: "--formatter-property",
    countOf: "--num-records",
    latencyArguments: (server: string, topic: string) => [
      ...["--bootstrap-server", server, "--topic", topic, "--num-records", "20"],
      ...["--producer-acks", "all", "--record-size", "100"],
    ],
  },
  {
    version: KAFKA_3_VERSION,
    classPath: kafka3ClassPath,
    consoleProducer: "kafka.tools.ConsoleProducer",
    brokerApiVersions: "kafka.admin.BrokerApiVersionsCommand",
    readerProperty: "--property",
    formatterProperty: "--property",
    countOf: "--messages",
    latencyArguments: (server: string, topic: string) => [server, topic, "20", "all", "100"],
  },
];

/** Lines with all numbers the same; without those that are about the tool's own options. */
function shapeOf(printed: string): string[] {
  const lines = printed.split("\n").filter((line) => line.trim() !== "" && !/^Option .* deprecated/.test(line));
  return lines.map((line) => line.trimEnd().replaceAll(/\d+(?:\.\d+)?/g, "0"));
}

for (const release of RELEASES) {
  describe.skipIf(release.classPath === null).each(clientTargets)(
    `the command-line tools of Apache Kafka ${release.version} on $name`,
    ({ start, isCluster }) => {
      let broker: RunningTarget;
      let tools: JavaTools;
      let directory: string;

      beforeAll(async () => {
        broker = await start({ "num.partitions": 2 });
        tools = JavaTools.start(release.classPath);
        directory = await mkdtemp(join(tmpdir(), "ottla-tools-"));
      });
      afterAll(async () => {
        tools?.stop();
        await broker?.stop();
        await rm(directory, { recursive: true, force: true });
      });

      /** Runs a tool that must succeed, and gives what it printed. */
      async function tool(className: string, args: readonly string[], input?: string): Promise<string> {
        const { code, stdout, stderr } = await tools.run(className, args, input === undefined ? {} : { input });
        expect({ code, stdout, stderr }, `${className} ${args.join(" ")}`).toMatchObject({ code: 0 });
        return stdout;
      }

      const kafka = (name: string, args: readonly string[], input?: string) =>
        tool(
          /^(org|kafka)\./.test(name) ? name : `org.apache.kafka.tools.${name}`,
          ["--bootstrap-server", broker.bootstrapServers, ...args],
          input,
        );
      const topics = (...args: string[]) => kafka("TopicCommand", args);
      const configs = (...args: string[]) => kafka("kafka.admin.ConfigCommand", args);
      const groups = (...args: string[]) => kafka("consumer.group.ConsumerGroupCommand", args);
      const produce = (topic: string, lines: readonly string[], ...args: string[]) =>
        kafka(release.consoleProducer, ["--topic", topic, ...args], lines.map((line) => `${line}\n`).join(""));
      const consume = async (topic: string, count: number, ...args: string[]) => {
        const bounds = ["--max-messages", String(count), "--timeout-ms", "20000"];
        const printed = await kafka("consumer.ConsoleConsumer", ["--topic", topic, ...bounds, ...args]);
        return printed.split("\n").slice(0, -1);
      };
      const numbers = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

      twice("kafka-topics creates, lists, describes, grows and deletes", async () => {
        expect(
          await topics("--create", "--topic", "t.one", "--partitions", "3", "--config", "retention.ms=60000"),
        ).toBe(
          [
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
            "Created topic t.one.",
            "",
          ].join("\n"),
        );
        expect((await topics("--list")).split("\n")).toContain("t.one");
        await topics("--create", "--topic", "t.one", "--if-not-exists");
        const collision = await tools.run("org.apache.kafka.tools.TopicCommand", [
          ...["--bootstrap-server", broker.bootstrapServers, "--create", "--topic", "t_one"],
        ]);
        expect(collision.code).toBe(1);
        expect(collision.stdout + collision.stderr).toContain("Topic 't_one' collides with existing topic");
        await topics("--alter", "--topic", "t.one", "--partitions", "5");
        const described = await topics("--describe", "--topic", "t.one");
        expect(described).toMatch(/PartitionCount: 5\tReplicationFactor: (1|3)\tConfigs: .*retention\.ms=60000/);
        const replicas = isCluster
          ? /Leader: [123]\tReplicas: (\d,){2}\d\tIsr: (\d,){2}\d/g
          : /Leader: 1\tReplicas: 1\tIsr: 1/g;
        expect(described.match(replicas)).toHaveLength(5);
        expect(await topics("--describe", "--unavailable-partitions")).toBe("");
        await topics("--delete", "--topic", "t.one");
        expect((await topics("--list")).split("\n")).not.toContain("t.one");
      });

      twice("kafka-configs sets, shows and removes configs of topics and of the broker", async () => {
        await topics("--create", "--topic", "configured", "--if-not-exists");
        const ofTopic = ["--entity-type", "topics", "--entity-name", "configured"];
        await configs("--alter", ...ofTopic, "--add-config", "retention.ms=12345,cleanup.policy=[compact,delete]");
        expect(await configs("--describe", ...ofTopic)).toMatch(
          /cleanup\.policy=compact,delete[\s\S]*retention\.ms=12345/,
        );
        expect(await configs("--describe", "--all", ...ofTopic)).toMatch(
          /max\.message\.bytes=1048588 sensitive=false synonyms=\{DEFAULT_CONFIG:message\.max\.bytes=1048588\}/,
        );
        await configs("--alter", ...ofTopic, "--delete-config", "retention.ms,cleanup.policy");
        expect(await configs("--describe", ...ofTopic)).not.toContain("retention.ms");
        const ofBroker = ["--entity-type", "brokers", "--entity-name", "1"];
        await configs("--alter", ...ofBroker, "--add-config", "log.retention.ms=99999999");
        expect(await configs("--describe", ...ofBroker)).toContain("log.retention.ms=99999999");
        await configs("--alter", ...ofBroker, "--delete-config", "log.retention.ms");
        expect(await configs("--describe", ...ofBroker)).not.toContain("log.retention.ms=");
        const wrong = [
          "--bootstrap-server",
          broker.bootstrapServers,
          "--alter",
          ...ofTopic,
          "--add-config",
          "no.such=1",
        ];
        expect(await tools.run("kafka.admin.ConfigCommand", wrong)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("InvalidConfigurationException"),
        });
      });

      twice("kafka-configs sets, shows and removes quotas of users, clients and addresses", async () => {
        const user = ["--entity-type", "users", "--entity-name", "judged user"];
        const both = [...user, "--entity-type", "clients", "--entity-default"];
        const ip = ["--entity-type", "ips", "--entity-name", "10.9.8.7"];
        await configs("--alter", ...user, "--add-config", "producer_byte_rate=1048576,request_percentage=250");
        await configs("--alter", ...both, "--add-config", "consumer_byte_rate=2097152,controller_mutation_rate=1000");
        await configs("--alter", ...ip, "--add-config", "connection_creation_rate=500");
        expect(await configs("--describe", ...user)).toMatch(
          /Quota configs for user-principal 'judged user' are .*producer_byte_rate=1048576\.0/,
        );
        expect(await configs("--describe", ...both)).toMatch(
          /user-principal 'judged user', the default client-id are .*controller_mutation_rate=1000\.0/,
        );
        expect(await configs("--describe", ...ip)).toContain("connection_creation_rate=500.0");
        expect(await configs("--describe", "--entity-type", "users")).toContain("request_percentage=250.0");
        await configs("--alter", ...user, "--delete-config", "producer_byte_rate,request_percentage");
        await configs("--alter", ...both, "--delete-config", "consumer_byte_rate,controller_mutation_rate");
        await configs("--alter", ...ip, "--delete-config", "connection_creation_rate");
        expect(await configs("--describe", "--entity-type", "users", "--entity-type", "clients")).not.toContain(
          "judged",
        );
        const wrong = ["--bootstrap-server", broker.bootstrapServers, "--alter", ...user, "--add-config"];
        const refused = await tools.run("kafka.admin.ConfigCommand", [...wrong, "producer_byte_rate=-1"]);
        expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("InvalidRequestException") });
      });

      twice("the console producer's records of all codecs are read by the console consumer in a group", async () => {
        const keys = [release.readerProperty, "parse.key=true", release.readerProperty, "key.separator=="];
        const lines: string[] = [];
        for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
          const compressed = numbers(300, `${codec}=${"value ".repeat(10)}`);
          await produce("console", compressed, "--compression-codec", codec, ...keys);
          lines.push(...compressed);
        }
        const printKeys = [release.formatterProperty, "print.key=true", release.formatterProperty, "key.separator=="];
        // The second time it goes on where the group has committed.
        const consumed = await consume("console", lines.length, "--group", "console", "--from-beginning", ...printKeys);
        expect(consumed.sort()).toEqual(lines.sort());
      });

      twice("kafka-consumer-groups lists, describes, resets and deletes", async () => {
        const topic = "grouped";
        await topics("--create", "--topic", topic, "--partitions", "1", "--if-not-exists");
        await produce(topic, numbers(10, "v"));
        await consume(topic, 7, "--group", "tool-group", "--from-beginning");
        expect((await groups("--list")).split("\n")).toContain("tool-group");
        expect(await groups("--list", "--state")).toMatch(/tool-group\s.*Empty/);
        const described = await groups("--describe", "--group", "tool-group");
        expect(described).toMatch(/tool-group\s+grouped\s+0\s+7\s+\d+\s+\d+/);
        expect(await groups("--describe", "--group", "tool-group", "--state")).toMatch(/Empty\s+0/);
        await groups("--describe", "--all-groups", "--members");
        const reset = ["--reset-offsets", "--group", "tool-group", "--topic", topic, "--to-earliest", "--execute"];
        expect(await groups(...reset)).toMatch(/tool-group\s+grouped\s+0\s+0/);
        expect(await groups("--delete-offsets", "--group", "tool-group", "--topic", topic)).toMatch(
          /grouped\s+0\s+Successful/,
        );
        expect(await groups("--delete", "--group", "tool-group")).toContain("was successful");
        expect((await groups("--list")).split("\n")).not.toContain("tool-group");
      });

      twice("kafka-get-offsets and kafka-delete-records agree on where a log begins and ends", async (round) => {
        const topic = "trimmed";
        await topics("--create", "--topic", topic, "--partitions", "1", "--if-not-exists");
        const beforeMs = Date.now();
        await produce(topic, numbers(10, "v"));
        const end = 10 * round;
        const offset = async (time: string) =>
          (await kafka("GetOffsetShell", ["--topic", topic, "--time", time])).trim();
        expect(await offset("latest")).toBe(`trimmed:0:${end}`);
        expect(await offset("-3")).toMatch(/^trimmed:0:\d+$/);
        expect(await offset(String(beforeMs))).toBe(`trimmed:0:${end - 10}`);
        expect(await offset("-4")).toMatch(/^trimmed:0:\d+$/);
        const file = join(directory, "delete.json");
        await writeFile(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, offset: end - 3 }] }));
        expect(await kafka("DeleteRecordsCommand", ["--offset-json-file", file])).toContain(
          `low_watermark: ${end - 3}`,
        );
        expect(await offset("earliest")).toBe(`trimmed:0:${end - 3}`);
        expect(await consume(topic, 3, "--from-beginning")).toEqual(["v7", "v8", "v9"]);
      });

      twice("kafka-log-dirs shows the log directory and what is in it", async () => {
        await produce("on-disk", numbers(10, "v"));
        const printed = await kafka("LogDirsCommand", ["--describe", "--topic-list", "on-disk"]);
        const { brokers } = JSON.parse(printed.split("\n").find((line) => line.startsWith("{"))!);
        expect(brokers.map(({ broker }: { broker: number }) => broker).sort()).toEqual(broker.brokerIds);
        for (const { logDirs } of brokers) expect(logDirs).toMatchObject([{ error: null, partitions: [{}, {}] }]);
        const sizes = brokers[0].logDirs[0].partitions.map(({ size }: { size: number }) => size);
        expect(Math.max(...sizes)).toBeGreaterThan(0);
      });

      twice("kafka-broker-api-versions finds a usable version of every API that is advertised", async () => {
        const printed = await kafka(release.brokerApiVersions, []);
        expect(printed).toMatch(/^(127\.0\.0\.1|localhost):\d+ \(id: 1 rack: null/m);
        expect(printed).toMatch(/Produce\(0\): 0 to 13 \[usable: \d+\]/);
        expect(printed).not.toMatch(/UNSUPPORTED.*(Fetch|Metadata|ApiVersions)/);
      });

      twice("kafka-cluster names the cluster and its brokers", async () => {
        const tool = "org.apache.kafka.tools.ClusterTool";
        const server = ["--bootstrap-server", broker.bootstrapServers];
        expect((await tools.run(tool, ["cluster-id", ...server])).stdout).toMatch(/^Cluster ID: [\w-]{22}$/m);
        if (release.version === KAFKA_3_VERSION) return; // it cannot list them yet
        const listed = await tools.run(tool, ["list-endpoints", ...server]);
        expect(listed.stdout).toMatch(/^1\s+(127\.0\.0\.1|localhost)\s+\d+/m);
      });

      twice("the performance tools write, read and measure", async () => {
        const topic = "measured";
        const count = ["--num-records", "2000", "--record-size", "200", "--throughput", "-1"];
        const properties = ["--producer-props", `bootstrap.servers=${broker.bootstrapServers}`, "compression.type=lz4"];
        const written = await tool("org.apache.kafka.tools.ProducerPerformance", [
          ...["--topic", topic],
          ...count,
          ...properties,
        ]);
        expect(written).toMatch(/2000 records sent/);
        const bounds = [release.countOf, "2000", "--timeout", "20000"];
        const read = await kafka("ConsumerPerformance", ["--topic", topic, ...bounds]);
        expect(Number(read.trim().split("\n").at(-1)?.split(", ")[4])).toBeGreaterThanOrEqual(2000);
        await topics("--create", "--topic", "latency", "--partitions", "1", "--if-not-exists");
        const latency = release.latencyArguments(broker.bootstrapServers, "latency");
        const measured = await tool("org.apache.kafka.tools.EndToEndLatency", latency);
        expect(measured).toMatch(/Percentiles: 50th = \d+/);
        // So that figures compare, `ottla perf` prints the same lines, but for the numbers in them.
        const perf = async (...args: string[]) => {
          const result = await ottla(["perf", ...args, "--bootstrap", broker.bootstrapServers]);
          expect(result, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
          return shapeOf(result.stdout);
        };
        expect(await perf("produce", topic, "-n", "2000", "-s", "200")).toEqual(shapeOf(written));
        expect(await perf("consume", topic, "-n", "2000")).toEqual(shapeOf(read));
        expect(await perf("latency", "latency", "-n", "20", "-s", "100")).toEqual(shapeOf(measured));
      });

      twice("the verifiable producer's records reach the verifiable consumer, all of them", async () => {
        const topic = "verified";
        // Both do their last work when their process ends: so each has one.
        const events = async (name: string, ...args: string[]) => {
          const bounds = ["--topic", topic, "--max-messages", "500", "--bootstrap-server", broker.bootstrapServers];
          const { classPath } = release;
          const ended = await kafkaTool(`org.apache.kafka.tools.${name}`, [...bounds, ...args], { classPath });
          expect(ended).toMatchObject({ code: 0 });
          return ended.stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
        };
        const sent = await events("VerifiableProducer", "--acks", "-1");
        expect(sent.at(-1)).toMatchObject({ name: "tool_data", sent: 500, acked: 500 });
        const read = await events("VerifiableConsumer", "--group-id", "verifiable", "--reset-policy", "earliest");
        const consumed = read.filter(({ name }) => name === "records_consumed").map(({ count }) => count);
        expect(consumed.reduce((sum: number, count: number) => sum + count, 0)).toBe(500);
        expect(read.filter(({ name }) => name === "offsets_committed").every(({ success }) => success)).toBe(true);
      });

      if (!isCluster) itIsDissected(() => broker.frames);
    },
  );
}
