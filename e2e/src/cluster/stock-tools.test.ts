import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { external, kafka3ClassPath, kafkaClassPath, zooKeeperClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { until } from "../harness/until.ts";

const VERIFICATION = "org.apache.kafka.tools.ReplicaVerificationTool";
const absent = kafkaClassPath === null || zooKeeperClassPath === null;

describe.skipIf(absent)("Apache Kafka's command-line tools on a cluster of three", { timeout: 120_000 }, () => {
  let cluster: ClusterProcesses;
  let admin: Admin;
  let tools: JavaTools;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-stock-tools-"));
    cluster = await ClusterProcesses.start({ directories: 2, set: ["auto.leader.rebalance.enable=false"] });
    tools = JavaTools.start(kafkaClassPath);
    admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    await admin.createTopics([{ name: "orders", partitions: 3, configs: { "min.insync.replicas": 2 } }]);
    await admin.createTopics([
      { name: "single", partitions: 3, replicationFactor: 1, configs: { "min.insync.replicas": 1 } },
    ]);
    await admin.createTopics([{ name: "moving", partitions: 2, replicationFactor: 2 }]);
    for (const topic of ["orders", "single", "moving"]) {
      await producer.send(Array.from({ length: 12 }, (_, n) => ({ topic, partition: n % 2, value: `v${n}` })));
    }
  }, 90_000);
  afterAll(async () => {
    tools?.stop();
    await admin?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const run = (className: string, args: readonly string[]) =>
    tools.run(className, ["--bootstrap-server", cluster.bootstrapServers, ...args]);
  /** Runs a tool that must succeed. */
  async function tool(className: string, ...args: string[]): Promise<string> {
    const result = await run(className, args);
    expect(result, `${className} ${args.join(" ")}`).toMatchObject({ code: 0 });
    return result.stdout;
  }
  const topics = (...args: string[]) => tool("org.apache.kafka.tools.TopicCommand", "--describe", ...args);
  const reassign = (...args: string[]) => tool("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", ...args);
  const elect = (...args: string[]) => tool("org.apache.kafka.tools.LeaderElectionCommand", ...args);
  const configs = (...args: string[]) => tool("kafka.admin.ConfigCommand", ...args);

  const partitionsOf = async (topic: string) => (await admin.describeTopics([topic]))[0]!.partitions;
  const allInSync = (topic: string) =>
    until(
      `all replicas of ${topic} are in sync`,
      async () =>
        (await partitionsOf(topic)).every(({ inSyncReplicas, replicas }) => inSyncReplicas.length === replicas.length),
      60_000,
    );
  async function json(name: string, content: unknown): Promise<string> {
    const file = join(directory, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  }

  it("kafka-reassign-partitions moves replicas between log directories, and kafka-log-dirs shows where they are", async () => {
    await allInSync("orders");
    const replicas = (await partitionsOf("orders"))[0]!.replicas;
    const where = async (brokerId: number) => {
      const printed = await tool(
        "org.apache.kafka.tools.LogDirsCommand",
        ...["--describe", "--topic-list", "orders", "--broker-list", String(brokerId)],
      );
      const { brokers } = JSON.parse(printed.split("\n").find((line) => line.startsWith("{"))!) as LogDirs;
      return brokers[0]!.logDirs.filter(({ partitions }) =>
        partitions.some(({ partition }) => partition === "orders-0"),
      );
    };
    const [moved, ...others] = replicas;
    const [before] = await where(moved!);
    const target = cluster.logDirsOf(moved!).find((path) => path !== before!.logDir)!;
    const plan = { topic: "orders", partition: 0, replicas, log_dirs: [target, ...others.map(() => "any")] };
    const file = await json("log-dirs.json", { version: 1, partitions: [plan] });
    const throttle = ["--replica-alter-log-dirs-throttle", "10000000"];
    expect(await reassign("--reassignment-json-file", file, "--execute", ...throttle)).toContain(
      "Successfully started moving log directory",
    );
    await until("the replica is there", async () => {
      const found = await where(moved!);
      return found.length === 1 && found[0]!.logDir === target;
    });
    expect(await reassign("--reassignment-json-file", file, "--verify")).toContain("completed successfully");
    await allInSync("orders");
  });

  it("kafka-topics finds nothing amiss where nothing is", async () => {
    await allInSync("orders");
    expect(await topics("--under-replicated-partitions")).toBe("");
    expect(await topics("--under-min-isr-partitions")).toBe("");
    expect(await topics("--unavailable-partitions")).toBe("");
    expect(await topics("--at-min-isr-partitions", "--exclude-internal")).not.toContain("orders");
    expect(await topics("--topic", "orders")).toMatch(/ReplicationFactor: 3\tConfigs: min\.insync\.replicas=2/);
  });

  it("kafka-topics finds what a cluster of one broker less lacks, and of two less", async () => {
    await cluster.stopBroker(3);
    const ofOrders = (printed: string) => printed.split("\n").filter((line) => line.includes("Topic: orders")).length;
    expect(ofOrders(await topics("--under-replicated-partitions"))).toBe(3);
    expect(ofOrders(await topics("--at-min-isr-partitions"))).toBe(3);
    expect(await topics("--under-min-isr-partitions")).not.toContain("orders");
    expect(await topics("--unavailable-partitions")).toMatch(/Topic: single\tPartition: \d\tLeader: none\tReplicas: 3/);
    await cluster.stopBroker(2);
    expect(ofOrders(await topics("--under-min-isr-partitions"))).toBe(3);
    expect(await topics("--unavailable-partitions")).not.toContain("Topic: orders");
    await cluster.startBroker(2);
    await cluster.startBroker(3);
    await allInSync("orders");
  });

  it("kafka-leader-election brings leadership back to the preferred replicas", async () => {
    const wandered = (await partitionsOf("orders")).filter(({ leader, replicas }) => leader !== replicas[0]);
    expect(wandered.length, "after the restarts somebody else leads").toBeGreaterThan(0);
    const printed = await elect("--election-type", "preferred", "--all-topic-partitions");
    expect(printed).toMatch(/Successfully completed leader election \(PREFERRED\) for partitions .*orders-/);
    await until("all brokers know", async () =>
      (await partitionsOf("orders")).every(({ leader, replicas }) => leader === replicas[0]),
    );
    const again = await elect("--election-type", "preferred", "--topic", "orders", "--partition", "0");
    expect(again).toContain("Valid replica already elected for partitions orders-0");
  });

  it("kafka-leader-election unclean: where the last replicas in sync are gone, one that is not leads", async () => {
    await admin.createTopics([
      { name: "unclean", partitions: 1, replicationFactor: 2, configs: { "min.insync.replicas": 1 } },
    ]);
    // The broker that is asked may hear of it a moment later than the one that created it.
    let replicas: readonly number[] = [];
    await until("the topic is known", async () => {
      replicas = (await partitionsOf("unclean").catch(() => []))[0]?.replicas ?? [];
      return replicas.length === 2;
    });
    const [first, second] = replicas as [number, number];
    await cluster.stopBroker(second);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    await producer.send({ topic: "unclean", value: "only the first has it" });
    await cluster.stopBroker(first);
    await cluster.startBroker(second);
    expect(await topics("--topic", "unclean", "--unavailable-partitions")).toContain("Leader: none");
    const printed = await elect("--election-type", "unclean", "--topic", "unclean", "--partition", "0");
    expect(printed).toContain("Successfully completed leader election (UNCLEAN) for partitions unclean-0");
    await until("all brokers know", async () => (await partitionsOf("unclean"))[0]!.leader === second);
    await cluster.startBroker(first);
    await allInSync("unclean");
  });

  it("kafka-reassign-partitions generates, executes with a throttle, lists, verifies", async () => {
    const toMove = await json("topics.json", { version: 1, topics: [{ topic: "moving" }] });
    const generated = await reassign("--generate", "--topics-to-move-json-file", toMove, "--broker-list", "1,2,3");
    expect(generated).toContain("Proposed partition reassignment configuration");
    const plan = {
      version: 1,
      partitions: [0, 1].map((partition) => ({ topic: "moving", partition, replicas: [1, 2, 3] })),
    };
    const file = await json("plan.json", plan);
    const executed = await reassign("--execute", "--reassignment-json-file", file, "--throttle", "10000000");
    expect(executed).toContain("The inter-broker throttle limit was set to 10000000 B/s");
    expect(executed).toMatch(/Successfully started partition reassignments for moving-0,moving-1/);
    const isDone = async () => (await reassign("--list")).includes("No partition reassignments found.");
    await until("nothing is reassigned any more", isDone);
    await allInSync("moving");
    const verified = await reassign("--verify", "--reassignment-json-file", file);
    expect(verified).toContain("Reassignment of partition moving-0 is completed.");
    expect(verified).toMatch(/Clearing broker-level throttles on brokers 1,2,3/);
    expect(verified).toMatch(/Clearing topic-level throttles on topic moving/);
    expect(await reassign("--list")).toContain("No partition reassignments found.");
    expect(await configs("--describe", "--entity-type", "topics", "--entity-name", "moving")).not.toContain(
      "throttled",
    );
    for (const { replicas } of await partitionsOf("moving")) expect(replicas).toEqual([1, 2, 3]);
  });

  it("kafka-reassign-partitions lists one that is under way, and cancels it", async () => {
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    const [{ leader }] = (await partitionsOf("single")) as unknown as [{ leader: number }];
    const value = "x".repeat(100_000);
    for (let n = 0; n < 20; n++) await producer.send({ topic: "single", partition: 0, value });
    const target = cluster.brokerIds.find((id) => id !== leader)!;
    const plan = { version: 1, partitions: [{ topic: "single", partition: 0, replicas: [target] }] };
    const file = await json("endless.json", plan);
    await reassign("--execute", "--reassignment-json-file", file, "--throttle", "1000");
    expect(await reassign("--list")).toContain(
      `single-0: replicas: ${target},${leader}. adding: ${target}. removing: ${leader}.`,
    );
    const verified = await run("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", [
      "--verify",
      "--reassignment-json-file",
      file,
    ]);
    expect(verified.stdout).toContain("Reassignment of partition single-0 is still in progress.");
    expect(await reassign("--cancel", "--reassignment-json-file", file)).toMatch(
      /Successfully cancelled partition reassignments? for: single-0/,
    );
    expect(await reassign("--list")).toContain("No partition reassignments found.");
    expect((await partitionsOf("single"))[0]!.replicas).toEqual([leader]);
  });

  it("kafka-configs sets configs of one broker and of all", async () => {
    const one = ["--entity-type", "brokers", "--entity-name", "2"];
    const all = ["--entity-type", "brokers", "--entity-default"];
    await configs("--alter", ...all, "--add-config", "log.retention.ms=11111111");
    await configs("--alter", ...one, "--add-config", "log.retention.ms=22222222");
    expect(await configs("--describe", ...one)).toMatch(
      /log\.retention\.ms=22222222 .*DYNAMIC_DEFAULT_BROKER_CONFIG:log\.retention\.ms=11111111/,
    );
    expect(await configs("--describe", ...all)).toContain("log.retention.ms=11111111");
    const valueOn = async (brokerId: number) => {
      const name = String(brokerId);
      const [found] = await admin.describeConfigs([{ type: "broker", name, keys: ["log.retention.ms"] }]);
      return found!.entries[0]!.value;
    };
    await until(
      "each broker has its value",
      async () => (await valueOn(1)) === "11111111" && (await valueOn(2)) === "22222222",
    );
    await configs("--alter", ...one, "--delete-config", "log.retention.ms");
    await configs("--alter", ...all, "--delete-config", "log.retention.ms");
    expect(await configs("--describe", ...all)).not.toContain("log.retention.ms");
  });

  it("kafka-get-offsets asks each leader", async () => {
    await allInSync("orders");
    const printed = await tool("org.apache.kafka.tools.GetOffsetShell", "--topic", "orders");
    expect(printed.trim().split("\n").sort()).toEqual(["orders:0:6", "orders:1:6", "orders:2:0"]);
  });

  it("kafka-broker-api-versions reaches every broker, and none of them offers what brokers say among themselves", async () => {
    const printed = await tool("org.apache.kafka.tools.BrokerApiVersionsCommand");
    for (const brokerId of cluster.brokerIds) expect(printed).toContain(`(id: ${brokerId} rack: `);
    // AlterPartition, Envelope, BrokerRegistration, BrokerHeartbeat, AllocateProducerIds, AssignReplicasToDirs.
    expect(printed).not.toMatch(/\((56|58|62|63|67|73)\): \d/m);
    expect(printed).toMatch(/AlterPartitionReassignments\(45\): 0/);
  });

  it("kafka-cluster tells the id", async () => {
    const { clusterId } = await admin.describeCluster();
    const { code, stdout } = await tools.run("org.apache.kafka.tools.ClusterTool", [
      ...["cluster-id", "--bootstrap-server", cluster.bootstrapServers],
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Cluster ID: ${clusterId}`);
  });

  it("kafka-metadata-quorum is told that there is no quorum here", async () => {
    const { code, stdout, stderr } = await run("org.apache.kafka.tools.MetadataQuorumCommand", [
      "describe",
      "--status",
    ]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/UnsupportedVersionException|does not support/);
  });

  it.skipIf(kafka3ClassPath === null)(
    "kafka-replica-verification of Apache Kafka 3.9 reads every replica",
    async () => {
      await allInSync("orders");
      const args = [
        "--broker-list",
        cluster.bootstrapServers,
        "--topics-include",
        "orders",
        "--report-interval-ms",
        "500",
      ];
      const verification = spawn(external.java!, [...SMALL_JVM, "-cp", kafka3ClassPath!, VERIFICATION, ...args]);
      let printed = "";
      verification.stdout.on("data", (chunk) => {
        printed += String(chunk);
      });
      try {
        await until(
          "it has compared",
          () => /max lag is 0 for partition orders-\d at offset \d+ among 3 partitions/.test(printed),
          30_000,
        );
      } catch (error) {
        throw new Error(printed, { cause: error });
      } finally {
        verification.kill("SIGKILL");
      }
    },
  );

  it("kafka-cluster unregisters a broker that was taken out for good, and shows that it is gone", async () => {
    const clusterTool = async (...args: string[]) => {
      const result = await tools.run("org.apache.kafka.tools.ClusterTool", [
        ...[args[0]!, "--bootstrap-server", cluster.bootstrapServers],
        ...args.slice(1),
      ]);
      expect(result).toMatchObject({ code: 0 });
      return result.stdout;
    };
    const registered = async () =>
      [...(await clusterTool("list-endpoints", "--include-fenced-brokers")).matchAll(/^(\d+) /gm)]
        .map(([, id]) => Number(id))
        .sort();
    expect(await registered()).toEqual([1, 2, 3]);
    await cluster.stopBroker(3);
    expect(await registered(), "fenced, and known").toEqual([1, 2, 3]);
    expect(await clusterTool("unregister", "--id", "3")).toContain("Broker 3 is no longer registered.");
    await until("all brokers know", async () => (await registered()).length === 2);
    expect(await registered()).toEqual([1, 2]);
    await cluster.startBroker(3);
    await until("it is back", async () => (await registered()).length === 3);
  });
});
interface LogDirs {
  readonly brokers: readonly {
    readonly logDirs: readonly {
      readonly logDir: string;
      readonly partitions: readonly { readonly partition: string }[];
    }[];
  }[];
}
