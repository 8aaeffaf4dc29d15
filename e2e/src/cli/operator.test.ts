import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { startCluster, startTestBroker } from "@ottla/testing";
import { freePort } from "@ottla/transport/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { leaveHangingTransaction } from "../harness/hanging-transaction.ts";
import { ottla } from "../harness/ottla-command.ts";
import { run } from "../harness/process.ts";
import { until } from "../harness/until.ts";

describe("what an operator does on the command line", () => {
  let broker: BrokerProcess;
  let admin: Admin;
  const client = (args: readonly string[]) => ottla([...args, "--bootstrap", broker.bootstrapServers]);
  const succeed = async (args: readonly string[]) => {
    const result = await client(args);
    expect(result, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return result.stdout;
  };

  beforeAll(async () => {
    broker = await BrokerProcess.start({ dataDirectory: null });
    admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    await admin.createTopics([{ name: "orders", partitions: 2, configs: { "retention.ms": 60_000 } }]);
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    await producer.send(
      Array.from({ length: 100 }, (_, index) => ({ topic: "orders", partition: index % 2, value: "v" })),
    );
    await admin.alterGroupOffsets(
      "billing",
      [0, 1].map((partition) => ({ topic: "orders", partition, offset: 20 })),
    );
  });
  afterAll(async () => {
    await admin?.close();
    await broker?.stop();
  });

  it("shows and changes configs, and checks them without changing", async () => {
    expect(await succeed(["configs", "describe", "orders"])).toMatch(/retention\.ms +60000 +topic/);
    expect(await succeed(["configs", "describe", "orders", "--key", "cleanup.policy", "--doc"])).toMatch(
      /delete +default +\S/,
    );
    const wrong = await client(["configs", "alter", "orders", "--set", "retention.ms=soon", "--dry-run"]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("retention.ms") });
    await succeed(["configs", "alter", "orders", "--set", "retention.ms=5", "--dry-run"]);
    await succeed(["configs", "alter", "orders", "--set", "retention.ms=120000", "--delete", "cleanup.policy"]);
    const rows = JSON.parse(await succeed(["configs", "describe", "orders", "--json"]));
    expect(rows).toContainEqual(expect.objectContaining({ key: "retention.ms", value: "120000", source: "topic" }));
    expect((await client(["configs", "alter", "orders"])).code).toBe(2);
    expect(await succeed(["configs", "alter", "", "-t", "broker", "-s", "log.cleaner.threads=1"])).toBe(
      "altered all brokers\n",
    );
  });

  it("names a key that is to go back to its default, and does not exist", async () => {
    const what = { code: 2, stderr: expect.stringContaining("There is no config retenton.ms of a topic") };
    expect(await client(["configs", "alter", "orders", "--delete", "retenton.ms"])).toMatchObject(what);
    expect(await client(["topics", "alter", "orders", "--delete-config", "retenton.ms"])).toMatchObject(what);
    const ofBroker = await client(["configs", "alter", "1", "-t", "broker", "-s", "log.roll.ms=9", "-d", "log.rol.ms"]);
    expect(ofBroker).toMatchObject({ code: 2, stderr: expect.stringContaining("no config log.rol.ms of a broker") });
    expect(await succeed(["configs", "describe", "1", "-t", "broker"])).not.toContain("log.roll.ms");
    await succeed(["configs", "alter", "orders", "--delete", "cleanup.policy"]);
  });

  it("moves no offsets of a group that has members, and deletes none beside one, and says why", async () => {
    const consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: "busy",
      topics: ["orders"],
      autoOffsetReset: "earliest",
    });
    await consumer.records().next();
    expect(await client(["groups", "reset-offsets", "busy", "--to", "latest", "--topic", "orders"])).toEqual({
      code: 1,
      stdout: "",
      stderr:
        'ottla: Group "busy" is Stable; its offsets are moved while it has no members: stop its consumers first.\n',
    });
    await admin.alterGroupOffsets("idle", [{ topic: "orders", partition: 0, offset: 1 }]);
    expect(await client(["groups", "delete", "idle", "busy"])).toEqual({
      code: 1,
      stdout: "",
      stderr:
        'ottla: Groups with members cannot be deleted: "busy" (1). Nothing was deleted; stop their consumers first.\n',
    });
    await consumer.close();
    expect(await succeed(["groups", "delete", "idle", "busy"])).toBe("deleted idle\ndeleted busy\n");
  });

  it("shows and changes quotas of users, clients and addresses", async () => {
    const alter = (...args: string[]) => succeed(["configs", "alter", ...args]);
    expect(
      await alter("billing", "-t", "client", "-s", "producer_byte_rate=1000000", "-s", "request_percentage=12.5"),
    ).toBe("altered quotas of client billing\n");
    await alter("alice", "-t", "user", "--client-id", "", "-s", "consumer_byte_rate=2000000");
    await alter("", "-t", "ip", "-s", "connection_creation_rate=500", "--dry-run");
    expect(await succeed(["configs", "describe", "-t", "ip"])).toBe("no quotas are set\n");
    expect(await succeed(["configs", "describe", "billing", "-t", "client"])).toMatch(
      /WHOSE +QUOTA +VALUE\nclient billing +producer_byte_rate +1000000\nclient billing +request_percentage +12\.5/,
    );
    const json = async (...args: string[]) => JSON.parse(await succeed(["configs", "describe", ...args, "--json"]));
    const ofAlice = [{ entity: { user: "alice", clientId: null }, quotas: { consumer_byte_rate: 2_000_000 } }];
    expect(await json("-t", "user")).toEqual(ofAlice);
    expect(await json("", "-t", "client")).toEqual(ofAlice);
    expect(await json("alice", "-t", "user", "--client-id", "other")).toEqual([]);
    await alter("billing", "-t", "client", "-d", "producer_byte_rate", "-d", "request_percentage");
    await alter("alice", "-t", "user", "--client-id", "", "-d", "consumer_byte_rate");
    expect(await json("-t", "client")).toEqual([]);
  });

  it.each([
    [["-t", "client", "-s", "producer_byte_rate=1"], 'Give the client id, or "" for all'],
    [["c", "-t", "client", "-s", "byte_rate=1"], "producer_byte_rate, consumer_byte_rate, request_percentage"],
    [["c", "-t", "client", "-s", "producer_byte_rate=fast"], "a whole number above 0"],
    [["c", "-t", "client", "-s", "request_percentage=0"], "a number above 0; --delete request_percentage removes it"],
    [["c", "-t", "client", "--client-id", "d", "-s", "request_percentage=1"], "--client-id goes with --type user"],
    [["1.2.3", "-t", "ip", "-s", "connection_creation_rate=1"], "an address is like 192.0.2.1"],
    [["1.2.3.4", "-t", "ip", "-s", "producer_byte_rate=1"], "there is connection_creation_rate"],
    [["-s", "retention.ms=1"], "Which topic? Give its name"],
    [["orders", "--client-id", "c", "-s", "retention.ms=1"], "--client-id goes with --type user"],
  ])("says what would be right: configs alter %j", async (args, advice) => {
    const { code, stdout, stderr } = await client(["configs", "alter", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(advice);
  });

  it("resets offsets in the order of topics and partitions, however they were committed", async () => {
    await admin.createTopics([
      { name: "wide", partitions: 11 },
      { name: "narrow", partitions: 1 },
    ]);
    const committed = [10, 2, 0, 9].map((partition) => ({ topic: "wide", partition, offset: 0 }));
    await admin.alterGroupOffsets("ordered", [...committed, { topic: "narrow", partition: 0, offset: 0 }]);
    const dry = JSON.parse(
      await succeed(["groups", "reset-offsets", "ordered", "--to", "earliest", "--dry-run", "--json"]),
    );
    const expected = ["narrow-0", "wide-0", "wide-2", "wide-9", "wide-10"];
    const named = (rows: { topic: string; partition: number }[]) =>
      rows.map(({ topic, partition }) => `${topic}-${partition}`);
    expect(named(dry)).toEqual(expected);
    const rows = (await succeed(["groups", "reset-offsets", "ordered", "--to", "latest"])).split("\n").slice(1, 6);
    expect(rows.map((row) => row.split(/ +/).slice(0, 2).join("-"))).toEqual(expected);
    await admin.deleteGroups(["ordered"]);
  });

  it("tells the lag of groups, resets offsets with a dry run first, and deletes groups", async () => {
    expect(await succeed(["groups", "lag"])).toMatch(/billing +Empty +0 +2 +60/);
    const dry = await succeed(["groups", "reset-offsets", "billing", "--to", "+10", "--dry-run"]);
    expect(dry).toMatch(/orders +0 +20 +30/);
    expect(dry).toContain("nothing was changed");
    expect((await admin.listGroupOffsets("billing")).map(({ offset }) => offset)).toEqual([20, 20]);
    await succeed(["groups", "reset-offsets", "billing", "--to", "earliest", "--topic", "orders:1"]);
    expect((await admin.listGroupOffsets("billing")).map(({ offset }) => offset)).toEqual([20, 0]);
    expect(await client(["groups", "reset-offsets", "billing", "--to", "soon"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--to is"),
    });
    expect(
      await client(["groups", "reset-offsets", "billing", "--to", "earliest", "--topic", "orders:7"]),
    ).toMatchObject({
      code: 2,
      stderr: "ottla: --topic orders:7: orders has the partitions 0 to 1.\n",
    });
    const fresh = ["groups", "reset-offsets", "fresh", "--to", "latest", "--topic", "orders:0", "--dry-run", "--json"];
    expect(JSON.parse(await succeed(fresh))).toEqual([
      { topic: "orders", partition: 0, committedOffset: null, newOffset: 50 },
    ]);
    expect(await succeed(["groups", "delete", "billing"])).toBe("deleted billing\n");
    expect(await succeed(["groups", "lag", "--json"])).toBe("[]\n");
  });

  it("says which groups and topics there are not, and what to do", async () => {
    const noGroup =
      'ottla: There is no group "nope"; `ottla groups list` shows those there are. (GROUP_ID_NOT_FOUND)\n';
    for (const command of ["describe", "lag", "delete"]) {
      expect(await client(["groups", command, "nope"]), command).toMatchObject({ code: 1, stderr: noGroup });
    }
    const topics = await client(["topics", "delete", "nope", "neither"]);
    expect(topics.stderr).toMatch(/^ottla: nope: .*\(UNKNOWN_TOPIC_OR_PARTITION\)\nottla: neither: .*\n$/);
    const trailing = await ottla(["doctor", "--bootstrap", `${broker.bootstrapServers},`]);
    expect(trailing.stdout).not.toContain("is no address");
    expect(trailing).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends with why where there is no broker, and without a word when it is told to end", async () => {
    const nowhere = `localhost:${await freePort()}`;
    for (const result of await Promise.all([
      ottla(["produce", "orders", "--bootstrap", nowhere], { input: "v\n" }),
      ottla(["groups", "list", "--bootstrap", nowhere]),
    ])) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(
        /^ottla: No broker can be reached \(Cannot connect to localhost:\d+: nothing listens there[^.]*\(ECONNREFUSED\)\)\. Check.*\n$/,
      );
    }
  });

  it("measures as Kafka's own tools do", async () => {
    await admin.createTopics([{ name: "measured", partitions: 1 }]);
    expect(await succeed(["perf", "produce", "measured", "--num-records", "5000"])).toMatch(
      /^5000 records sent, [\d.]+ records\/sec \([\d.]+ MB\/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99\.9th\.\n$/m,
    );
    const slow = JSON.parse(
      await succeed(["perf", "produce", "measured", "-n", "200", "--throughput", "400", "--json"]),
    );
    expect(slow.recordsPerSecond).toBeLessThan(450);
    const consumed = await succeed(["perf", "consume", "measured", "--num-records", "5000"]);
    expect(consumed).toMatch(
      /^start\.time, end\.time, .*fetch\.nMsg\.sec\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, .*, 5\d{3}, [\d.]+, \d+, \d+, [\d.]+, [\d.]+\n$/,
    );
    const some = await client(["perf", "consume", "measured", "--num-records", "50000", "--timeout", "2", "--json"]);
    expect(some).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/of 50000 records came; then nothing for 2 s/),
    });
    expect(JSON.parse(some.stdout).records).toBeGreaterThan(5_000);
    await admin.createTopics([{ name: "keyed", configs: { "cleanup.policy": "compact" } }]);
    expect(await client(["perf", "latency", "keyed"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^ottla: keyed-0: .*without a key.*\(INVALID_RECORD\)\n$/),
    });
    expect(await succeed(["perf", "latency", "measured", "-n", "50"])).toMatch(
      /Avg latency: [\d.]+ ms\nPercentiles: 50th = /,
    );
  });

  it("draws what is going on", async () => {
    const pictures = (await succeed(["top", "--iterations", "2", "--interval", "1"])).split(
      /(?=\d\d:\d\d:\d\d {2}1 broker)/,
    );
    expect(pictures).toHaveLength(2);
    expect(pictures[1]).toMatch(/orders +100 +0\.0/);
    const [line] = (await succeed(["top", "--iterations", "1", "--json"])).split("\n");
    expect(JSON.parse(line!).topics).toContainEqual({ topic: "orders", records: 100, recordsPerSecond: null });
  });

  it("draws rates and lag while records are written", async () => {
    await admin.createTopics([{ name: "busy-topic", partitions: 1 }]);
    await admin.alterGroupOffsets("behind", [{ topic: "busy-topic", partition: 0, offset: 0 }]);
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    let isWriting = true;
    let written = 0;
    const writing = (async () => {
      for (; isWriting; written++) await producer.send({ topic: "busy-topic", value: "v" });
    })();
    const lines = (await succeed(["top", "--iterations", "2", "--interval", "1", "--json"])).trim().split("\n");
    isWriting = false;
    await writing;
    const { topics, groups } = JSON.parse(lines[1]!);
    const topic = topics.find(({ topic }: { topic: string }) => topic === "busy-topic");
    expect(topic.records).toBeGreaterThan(0);
    expect(topic.recordsPerSecond).toBeGreaterThan(0);
    expect(topic.recordsPerSecond).toBeLessThanOrEqual(written);
    expect(topics[0]).toEqual(topic); // the busiest first
    expect(groups).toContainEqual({ groupId: "behind", state: "Empty", lag: topic.records });
    await admin.deleteGroups(["behind"]);
  });

  it("deletes records before an offset, a time or the end, all that is wanted or nothing", async () => {
    await admin.createTopics([{ name: "cut", partitions: 2 }]);
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    const times = [1_000, 2_000, 3_000, 4_000].map((each) => Date.now() - 100_000 + each);
    const records = [0, 1].flatMap((partition) =>
      times.slice(partition).map((timestampMs) => ({ topic: "cut", partition, value: "v", timestampMs })),
    );
    await producer.send(records);
    const begins = async () =>
      (
        await admin.listOffsets([0, 1].map((partition) => ({ topic: "cut", partition, spec: "earliest" as const })))
      ).map(({ offset }) => offset);
    const cut = (...args: string[]) => succeed(["topics", "delete-records", "cut", ...args]);
    expect(await cut("--before", "2", "--dry-run")).toMatch(
      /PARTITION +FROM +UP TO +END\ncut +0 +0 +2 +4\ncut +1 +0 +2 +3\nnothing was deleted \(--dry-run\)\n$/,
    );
    expect(await begins()).toEqual([0, 0]);
    expect(await client(["topics", "delete-records", "cut", "--before", "4"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "ottla: --before 4: partition 1 ends at 3. Nothing was deleted; name others with --partition.\n",
    });
    expect(await begins()).toEqual([0, 0]);
    await cut("--before", "1", "--partition", "0");
    expect(await begins()).toEqual([1, 0]);
    await cut("--before", new Date(times[2]!).toISOString());
    expect(await begins()).toEqual([2, 1]);
    expect(JSON.parse(await cut("--before", "latest", "--json"))).toEqual([
      { topic: "cut", partition: 0, beginOffset: 2, endOffset: 4, beforeOffset: 4 },
      { topic: "cut", partition: 1, beginOffset: 1, endOffset: 3, beforeOffset: 3 },
    ]);
    expect(await begins()).toEqual([4, 3]);
    for (const [args, message] of [
      [["cut", "--before", "soon"], '--before is "soon"'],
      [["cut", "--before", "1", "--partition", "7"], "--partition 7: cut has the partitions 0 to 1"],
      [["cut"], "--before"],
    ] as const) {
      const result = await client(["topics", "delete-records", ...args]);
      expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    }
  });

  it("moves replicas as the file of kafka-reassign-partitions says, all of them or none", async () => {
    await using cluster = await startCluster({ brokers: 3 });
    await using clusterAdmin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await clusterAdmin.createTopics([{ name: "moved", assignments: [[1], [2]] }]);
    const directory = await mkdtemp(join(tmpdir(), "ottla-reassign-"));
    const reassign = async (file: unknown, ...args: string[]) => {
      const path = join(directory, "plan.json");
      await writeFile(path, typeof file === "string" ? file : JSON.stringify(file));
      return await ottla([
        ...["cluster", "reassign", "--json-file", path, ...args],
        ...["--bootstrap", cluster.bootstrapServers],
      ]);
    };
    const replicas = async () =>
      (await clusterAdmin.describeTopics(["moved"]))[0]!.partitions.map((each) => [...each.replicas]);
    const to = (partition: number, ...ids: number[]) => ({ topic: "moved", partition, replicas: ids });
    try {
      const wrong: [unknown, number, string][] = [
        ["{", 2, "cannot be read"],
        [{ partitions: [] }, 2, "It has to be like"],
        [{ partitions: [{ ...to(0, 2), log_dirs: ["/data"] }] }, 2, "log_dirs"],
        [{ partitions: [to(0, 2), to(0, 3)] }, 2, "has moved-0 twice"],
        [{ partitions: [to(0, 2, 2)] }, 2, "moved-0 has a broker twice"],
        [{ partitions: [to(0, 2), to(1, 9)] }, 2, "there is no broker 9; there are 1, 2, 3"],
        [{ partitions: [to(0, 2), to(7, 1)] }, 2, "moved has the partitions 0 to 1, not 7"],
        [{ partitions: [to(0, 2), { ...to(0, 1), topic: "nowhere" }] }, 1, "UNKNOWN_TOPIC_OR_PARTITION"],
      ];
      for (const [file, code, message] of wrong) {
        expect(await reassign(file)).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
      }
      expect(await replicas()).toEqual([[1], [2]]);
      const file = { version: 1, partitions: [to(0, 3, 1), to(1, 1)] };
      const dry = await reassign(file, "--dry-run");
      expect(dry).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/moved +0 +1 +3,1\nmoved +1 +2 +1\nnothing/),
      });
      expect(await replicas()).toEqual([[1], [2]]);
      expect(await reassign(file)).toMatchObject({ code: 0, stdout: expect.stringContaining("begun; ottla cluster") });
      await until("the replicas have moved", async () => {
        const ongoing = await clusterAdmin.listPartitionReassignments();
        return ongoing.length === 0 && JSON.stringify(await replicas()) === "[[3,1],[1]]";
      });
      const idle = await reassign(file, "--cancel");
      expect(idle).toMatchObject({ code: 1, stderr: expect.stringContaining("NO_REASSIGNMENT_IN_PROGRESS") });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it("elects leaders, and has the cluster forget a broker", async () => {
    await using cluster = await startCluster({ brokers: 3, config: { "auto.leader.rebalance.enable": false } });
    await using clusterAdmin = new Admin({ bootstrapServers: cluster.broker(1).bootstrapServers });
    await clusterAdmin.createTopics([
      { name: "led", assignments: [[2, 1]], configs: { "min.insync.replicas": 1 } },
      { name: "lost", assignments: [[3, 2]], configs: { "min.insync.replicas": 1 } },
    ]);
    const run = (...args: string[]) => ottla(["cluster", ...args, "--bootstrap", cluster.broker(1).bootstrapServers]);
    const leaderOf = async (topic: string) => (await clusterAdmin.describeTopics([topic]))[0]!.partitions[0]!.leader;
    const leads = (topic: string, leader: number) =>
      until(`${leader} leads ${topic}`, async () => (await leaderOf(topic)) === leader);
    const wrong: [string[], number, string][] = [
      [["elect"], 2, "Of which topics? Give their names, or --all."],
      [["elect", "led", "--partition", "0,4"], 2, "--partition 4: led has the partitions 0 to 0"],
      [["elect", "led", "--type", "clean"], 2, "preferred, unclean"],
      [["elect", "led", "nowhere"], 1, "UNKNOWN_TOPIC_OR_PARTITION"],
      [["unregister", "2"], 1, "broker 2 is running, and would register itself again: stop it first"],
      [["unregister", "9"], 1, "Broker ID 9 is not currently registered"],
    ];
    for (const [args, code, message] of wrong) {
      expect(await run(...args)).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
    }
    await cluster.stop(2);
    await leads("led", 1);
    await cluster.start(2);
    const inSync = async (topic: string) =>
      (await clusterAdmin.describeTopics([topic]))[0]!.partitions[0]!.inSyncReplicas;
    await until("it is in sync", async () => (await inSync("led")).includes(2));
    expect(await run("elect", "--all", "--dry-run")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^led +0 +1 +2,1 .*\n(.*\n)*nothing was changed/m),
    });
    expect(await leaderOf("led")).toBe(1);
    expect(await run("elect", "led")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nelected; ottla topics/),
    });
    await leads("led", 2);
    expect((await run("elect", "led")).stdout).toBe("no partition has been given another leader (preferred)\n");
    // Nobody is in sync any more of what 3 alone has taken.
    await cluster.kill(2);
    await using producer = new Producer({ bootstrapServers: cluster.broker(3).bootstrapServers });
    await until("3 is alone", async () => (await inSync("lost")).length === 1);
    await producer.send({ topic: "lost", value: "v" });
    await cluster.kill(3);
    await cluster.start(2);
    await leads("lost", -1);
    const unclean = JSON.parse((await run("elect", "lost", "--type", "unclean", "--json")).stdout);
    expect(unclean).toEqual([{ topic: "lost", partition: 0, leader: null, replicas: [3, 2], inSyncReplicas: [] }]);
    await leads("lost", 2);
    const held = await run("unregister", "3");
    expect(held).toMatchObject({ code: 1, stderr: expect.stringMatching(/broker 3 has replicas of lost-0.* --force/) });
    expect(await run("unregister", "3", "--force")).toMatchObject({
      code: 0,
      stdout: "broker 3 is no longer registered\n",
    });
    const { brokers } = await clusterAdmin.describeCluster({ includeFencedBrokers: true });
    expect(brokers.map(({ id }) => id)).toEqual([1, 2]);
  });

  it("lists and describes transactions, finds what hangs, and aborts it", async () => {
    await using hung = await startTestBroker({
      topics: ["hung", "sound"],
      config: { "transaction.partition.verification.enable": false },
    });
    const { bootstrapServers } = hung;
    const run = (...args: string[]) => ottla(["transactions", ...args, "--bootstrap", bootstrapServers]);
    await leaveHangingTransaction(bootstrapServers, "hung", { broker: 1 });
    await using producer = new Producer({ bootstrapServers, transactionalId: "billing" });
    await producer.transaction(async (transaction) => {
      await transaction.send({ topic: "sound", value: "v" });
      expect((await run("list", "--state", "Ongoing")).stdout).toMatch(/^billing +\d+ +Ongoing$/m);
      expect((await run("describe", "billing")).stdout).toMatch(/^billing +Ongoing +\d+ +\d+ +60000 +20.*Z +sound-0$/m);
      expect((await run("producers", "sound")).stdout).toMatch(/^0 +\d+ +\d+ +-1 +0 +20\S+Z +0$/m);
      const found = JSON.parse((await run("find-hanging", "--older-than", "0", "--json")).stdout);
      expect(found, "the other has a coordinator that ends it").toMatchObject([
        { topic: "hung", partition: 0, startOffset: 0, producerEpoch: 0, coordinatorEpoch: -1 },
      ]);
      const known = ["abort", "sound", "--partition", "0", "--start-offset", "0"];
      expect(await run(...known)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("is known to its coordinator"),
      });
    });
    expect((await run("find-hanging", "hung")).stdout).toMatch(
      /^hung +0 +0 +\d+ +0 +20\S+Z\nottla transactions abort/m,
    );
    const abort = (...args: string[]) => run("abort", "hung", "--partition", "0", ...args);
    for (const [args, message] of [[["--start-offset", "7"], "begins there; those open there begin at 0"]] as const) {
      expect(await abort(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    }
    expect((await run("producers", "hung", "--partition", "3")).stderr).toContain("hung has the partitions 0 to 0");
    expect((await run("describe", "nobody")).stderr).toContain("TRANSACTIONAL_ID_NOT_FOUND");
    expect((await abort("--start-offset", "0", "--dry-run")).stdout).toMatch(
      /^would abort the transaction of producer \d+ in hung-0/,
    );
    expect((await abort("--start-offset", "0")).stdout).toMatch(
      /^aborted the transaction of producer \d+ in hung-0 from offset 0 on\n$/,
    );
    expect((await run("find-hanging", "--older-than", "0")).stdout).toBe("no transaction hangs\n");
    expect((await abort("--start-offset", "0")).stderr).toContain("none is open there");
  });

  it.each(["bash", "zsh", "fish"])("completes in %s", async (shell) => {
    const { stdout, code } = await ottla(["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("reset-offsets");
    expect(stdout).toContain(shell === "fish" ? "-l dry-run" : "--dry-run");
    if (shell !== "bash") return;
    const complete = (...words: string[]) =>
      `COMP_WORDS=(ottla ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _ottla; echo "\${COMPREPLY[@]}"`;
    const script = `${stdout}\n${complete("to")}\n${complete("groups", "re")}\n${complete("groups", "reset-offsets", "billing", "--d")}`;
    expect((await run("bash", ["-c", script])).stdout).toBe("topics top\nreset-offsets\n--dry-run\n");
  });

  describe("doctor", () => {
    it("finds nothing wrong where nothing is", async () => {
      const report = await succeed(["doctor"]);
      expect(report).toContain(`ok    ${broker.bootstrapServers} speaks Kafka.`);
      expect(report).toContain("and it answers there");
      expect(report).toContain("The clock of broker 1 is");
      expect(report).not.toMatch(/^FAIL/m);
    });

    it("names the advertised address that clients cannot reach", async () => {
      const port = await freePort();
      const nowhere = await freePort();
      const set = [`listeners=PLAINTEXT://localhost:${port}`, `advertised.listeners=PLAINTEXT://localhost:${nowhere}`];
      await using other = await BrokerProcess.start({
        dataDirectory: null,
        port,
        args: set.flatMap((each) => ["--set", each]),
      });
      const { code, stdout } = await ottla(["doctor", "--bootstrap", `localhost:${other.port}`]);
      expect(code).toBe(1);
      expect(stdout).toContain(
        `FAIL  Broker 1 tells clients to connect to localhost:${nowhere}, and that does not work from here (nothing listens).`,
      );
      expect(stdout).toContain("advertised.listeners");
    });

    it("names who did not answer, where a command's time is over", async () => {
      const silent = await listening(createServer(() => {}));
      const { code, stderr } = await ottla(["topics", "list", "--bootstrap", `localhost:${silent.port}`]);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `ottla: localhost:${silent.port} did not answer (REQUEST_TIMED_OUT)\n`,
      });
      silent.server.close();
    });

    it("says what it is when it is not Kafka", async () => {
      const silent = await listening(createServer(() => {}));
      const http = await listening(createHttpServer((_, response) => response.end("hello")));
      const expected: [string, RegExp][] = [
        [`localhost:${await freePort()}`, /Nothing listens at/],
        [`localhost:${http.port}`, /speaks HTTP, not Kafka/],
        ["no-such-host.invalid:9092", /There is no host called no-such-host\.invalid/],
      ];
      for (const [bootstrap, text] of expected) {
        const { code, stdout } = await ottla(["doctor", "--bootstrap", bootstrap]);
        expect([code, stdout]).toEqual([1, expect.stringMatching(text)]);
      }
      const nonsense = await ottla(["doctor", "--bootstrap", "nonsense"]);
      expect(nonsense).toMatchObject({ code: 2, stderr: expect.stringContaining('write "nonsense:9092"') });
      silent.server.close();
      http.server.close();
    });

    it("looks at WebSocket addresses as it does at others", async () => {
      const [port, nowhere] = [await freePort(), await freePort()];
      const url = `ws://localhost:${nowhere}/kafka`;
      const set = [`listeners=PLAINTEXT://localhost:${port}`, `advertised.listeners=${url}`];
      await using other = await BrokerProcess.start({
        dataDirectory: null,
        port,
        args: set.flatMap((each) => ["--set", each]),
      });
      const elsewhere = await ottla(["doctor", "--bootstrap", `ws://localhost:${other.port}`]);
      expect(elsewhere).toMatchObject({
        code: 1,
        stdout: expect.stringContaining(
          `FAIL  Broker 1 tells WebSocket clients to connect to ${url}, and that does not work from here (nothing listens).`,
        ),
      });
      const expected: [string, RegExp][] = [
        [`wss://localhost:${broker.port}`, /FAIL {2}wss:\S+ does not speak TLS\.\n +Use ws:\/\/localhost/],
        [`ws://localhost:${nowhere}`, /FAIL {2}Nothing listens at localhost/],
      ];
      for (const [bootstrap, text] of expected) {
        expect(await ottla(["doctor", "--bootstrap", bootstrap])).toMatchObject({
          code: 1,
          stdout: expect.stringMatching(text),
        });
      }
      const well = await ottla(["doctor", "--bootstrap", `ws://localhost:${broker.port}`]);
      expect(well.stdout).toContain("and it answers there");
    });

    it("tells of TLS on one side only", async () => {
      const directory = await mkdtemp(join(tmpdir(), "ottla-doctor-"));
      const properties = join(directory, "client.properties");
      await writeFile(properties, "security.protocol=SSL\n");
      const plain = await client(["doctor", "--command-config", properties]);
      await rm(directory, { recursive: true });
      expect(plain).toMatchObject({ code: 1, stdout: expect.stringContaining("speaks Kafka without TLS") });
      // What any TLS server sends to who begins with something else: a fatal alert.
      const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70);
      const tls = await listening(createServer((socket) => socket.once("data", () => socket.end(alert))));
      const { code, stdout } = await ottla(["doctor", "--bootstrap", `localhost:${tls.port}`]);
      expect([code, stdout]).toEqual([1, expect.stringMatching(/speaks TLS.*security\.protocol=SSL/s)]);
      tls.server.close();
    });

    it("sees replication factors that are larger than the cluster", async () => {
      const args = ["--set", "default.replication.factor=3"];
      await using other = await BrokerProcess.start({ dataDirectory: null, args });
      const { code, stdout } = await ottla(["doctor", "--bootstrap", other.bootstrapServers]);
      expect([code, stdout]).toEqual([1, expect.stringMatching(/FAIL .*default\.replication\.factor=3.* 1 broker/)]);
    });

    it("sees a broker that is down, to which topics can still be given replicas", async () => {
      await using cluster = await startCluster({ brokers: 3 });
      await cluster.kill(2);
      let report = "";
      await until("broker 2 is fenced", async () => {
        report = (await ottla(["doctor", "--bootstrap", cluster.bootstrapServers])).stdout;
        return report.includes("FAIL  Broker 2 is registered, but takes no part (it is fenced).");
      });
      expect(report).toContain("ok    Replication factors fit the number of brokers.");
    });

    it("sees groups without members that have records to read", async () => {
      await admin.alterGroupOffsets("left", [{ topic: "orders", partition: 0, offset: 1 }]);
      const findings = JSON.parse(await succeed(["doctor", "--json"]));
      expect(findings).toContainEqual(
        expect.objectContaining({ level: "warn", what: "Group left has no members, and 49 records to read." }),
      );
    });
  });
});

async function listening(server: Server): Promise<{ readonly server: Server; readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
