import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { forEachBatch, writeBatchCrc } from "@ottla/protocol/internal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { OTTLA_COMMAND, ottla } from "../harness/ottla-command.ts";
import { until } from "../harness/until.ts";

/** So that a broker that is killed is missed within seconds. */
const QUICK = ["--set", "broker.session.timeout.ms=2000", "--set", "broker.heartbeat.interval.ms=300"];

/** As of a program that SIGPIPE ended. */
const EXIT_NO_READER = 141;

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

/** Runs `ottla cluster …` on a cluster, and gives what it printed. */
const cluster = (bootstrap: string, ...args: string[]) => ottla(["cluster", ...args, "--bootstrap", bootstrap]);

/** `ottla cluster start`, as in a terminal. */
class StartedCluster {
  readonly child: ChildProcess;
  output = "";

  constructor(data: string, ...args: string[]) {
    const jars = dirname(zooKeeperClassPath!);
    const all = ["cluster", "start", "--port", "0", "--data", data, "--zookeeper-jars", jars, ...args];
    this.child = spawn(process.execPath, [OTTLA_COMMAND, ...all], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk) => {
        this.output += String(chunk);
      });
    }
  }

  async ready(): Promise<string> {
    const isDecided = () => /^ready /m.test(this.output) || this.child.exitCode !== null;
    await until("the cluster is ready", isDecided, 40_000, () => this.output);
    if (this.child.exitCode !== null) throw new Error(`the cluster ended: ${this.output}`);
    return /^ready (\S+)/m.exec(this.output)![1]!;
  }

  pidOf(brokerId: number): number {
    return Number(new RegExp(`^broker ${brokerId} \\(pid (\\d+)\\)`, "m").exec(this.output)![1]);
  }

  async interrupt(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const ended = once(this.child, "exit");
    this.child.kill("SIGINT");
    await ended;
    return this.child.exitCode;
  }
}

describe.skipIf(zooKeeperClassPath === null)("ottla cluster start", { timeout: 120_000 }, () => {
  let data: string;
  let started: StartedCluster;
  let bootstrap: string;
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "ottla-cluster-start-"));
    started = new StartedCluster(data, "--racks", "east,west", ...QUICK);
    bootstrap = await started.ready();
  }, 60_000);
  afterAll(async () => {
    await started?.interrupt();
    await rm(data, { recursive: true, force: true });
  });

  const describeJson = async () => JSON.parse((await cluster(bootstrap, "describe", "--json")).stdout);

  it("brings up brokers that replicate to each other", async () => {
    expect(bootstrap.split(",")).toHaveLength(3);
    await using admin = new Admin({ bootstrapServers: bootstrap });
    expect((await ottla(["topics", "create", "orders", "-p", "3", "-b", bootstrap])).code).toBe(0);
    const input = Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join("");
    expect((await ottla(["produce", "orders", "-b", bootstrap], { input })).code).toBe(0);
    const state = await describeJson();
    expect(state).toMatchObject({ topics: 1, partitions: 3, offline: [], underMinIsr: [], underReplicated: [] });
    expect(state.brokers.map(({ id, rack }: { id: number; rack: string }) => [id, rack])).toEqual([
      [1, "east"],
      [2, "west"],
      [3, "east"],
    ]);
    expect(state.brokers.filter(({ isController }: { isController: boolean }) => isController)).toHaveLength(1);
    const { stdout, code } = await cluster(bootstrap, "describe");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^features .*metadata\.version=\d+/m);
    expect(stdout).toContain("1 topics, 3 partitions, 0 offline, 0 under min.insync.replicas");
    const [configs] = await admin.describeConfigs([{ type: "topic", name: "orders", keys: ["min.insync.replicas"] }]);
    expect(configs!.entries[0]!.value).toBe("2");
    const lags = state.brokers.map(({ replication }: { replication: { maxLag: number } }) => replication.maxLag);
    expect(lags).toEqual([0, 0, 0]);
    // The lines may all lie in one partition, whose leader gets nothing: its two followers do.
    const received = state.brokers
      .map(({ id, replication }: { id: number; replication: { replicationBytesIn: number } }) => ({
        id,
        bytesIn: replication.replicationBytesIn,
      }))
      .filter(({ bytesIn }: { bytesIn: number }) => bytesIn > 100);
    expect(received.length, "brokers that have got records from the leaders of others").toBeGreaterThanOrEqual(2);
    for (const { id, bytesIn } of received)
      expect(stdout).toMatch(new RegExp(`^${id} .* 3 +3 +0 +\\d+/\\d+ +${bytesIn}/\\d+$`, "m"));
    const verified = await cluster(bootstrap, "verify");
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(/^3 partitions, 100 offsets, \d+ bytes .*all replicas agree\n$/);
  });

  it("tells of a broker that ended, and describe of what that one's partitions lack", async () => {
    await using admin = new Admin({ bootstrapServers: bootstrap });
    await admin.createTopics([{ name: "single", assignments: [[2]], configs: { "min.insync.replicas": 1 } }]);
    process.kill(started.pidOf(2), "SIGKILL");
    await until("it is told of", () => started.output.includes("ottla: broker 2 ended by SIGKILL"));
    await until("it is fenced", async () => (await describeJson()).offline.length === 1, 20_000);
    const { stdout } = await cluster(bootstrap, "describe");
    expect(stdout).toMatch(/^2 .* west +fenced +0 +4 +0/m);
    expect(stdout).toMatch(/, 1 offline, 1 under min.insync.replicas, 3 at min.insync.replicas, 4 under-replicated$/m);
    expect(stdout).toMatch(/^single-0 +offline +none +2 /m);
    expect(stdout).toMatch(/^orders-\d +under-replicated +[13] /m);
    const verified = await cluster(bootstrap, "verify", "orders");
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/^orders-0: the replica of broker 2 is unreadable: /m);
  });

  it("describe tells of partitions under min.insync.replicas", async () => {
    process.kill(started.pidOf(1), "SIGKILL");
    await until("it is fenced", async () => (await describeJson()).underMinIsr.length === 4, 20_000);
    expect((await cluster(bootstrap, "describe")).stdout).toMatch(/^orders-\d +under min ISR +3 +\S+ +3 /m);
  });

  it("stops with Ctrl-C and leaves no process behind; the data is there at the next start", async () => {
    const last = started.pidOf(3);
    expect(await started.interrupt()).toBe(130);
    expect(started.output).toMatch(/^stopped$/m);
    expect(isGone(last), `process ${last}`).toBe(true);
    started = new StartedCluster(data);
    bootstrap = await started.ready();
    await until("all are in sync", async () => (await describeJson()).underReplicated.length === 0, 30_000);
    const { stdout, code } = await cluster(bootstrap, "verify", "orders");
    expect(stdout).toMatch(/^3 partitions, 100 offsets/);
    expect(code).toBe(0);
  });

  it("ends its brokers too when it is killed, and finds its ZooKeeper again", async () => {
    const brokers = [1, 2, 3].map((id) => started.pidOf(id));
    started.child.kill("SIGKILL");
    await until("the brokers have ended", () => brokers.every(isGone), 40_000);
    // Its ZooKeeper does not notice: the next start goes on with it, and ends it.
    const zooKeeper = Number(await readFile(join(data, "zookeeper-1", "pid"), "utf8"));
    expect(isGone(zooKeeper)).toBe(false);
    started = new StartedCluster(data);
    bootstrap = await started.ready();
    expect(Number(await readFile(join(data, "zookeeper-1", "pid"), "utf8"))).toBe(zooKeeper);
    await until("all are in sync", async () => (await describeJson()).underReplicated.length === 0, 30_000);
    expect(await started.interrupt()).toBe(130);
    expect(isGone(zooKeeper)).toBe(true);
  });
});

describe.skipIf(zooKeeperClassPath === null)("ottla cluster start --zookeeper-servers 3", { timeout: 90_000 }, () => {
  it("starts an ensemble that a server less does not stop, and ends it", async () => {
    const data = await mkdtemp(join(tmpdir(), "ottla-cluster-ensemble-"));
    const started = new StartedCluster(data, "--brokers", "1", "--zookeeper-servers", "3");
    try {
      const bootstrapServers = await started.ready();
      const pids = await Promise.all(
        [1, 2, 3].map(async (id) => Number(await readFile(join(data, `zookeeper-${id}`, "pid"), "utf8"))),
      );
      expect(new Set(pids).size).toBe(3);
      process.kill(pids[0]!, "SIGKILL");
      await using admin = new Admin({ bootstrapServers });
      await admin.createTopics([{ name: "orders", partitions: 1 }]);
      expect(await started.interrupt()).toBe(130);
      expect(pids.map(isGone)).toEqual([true, true, true]);
    } finally {
      await started.interrupt();
      await rm(data, { recursive: true, force: true });
    }
  });
});

describe.skipIf(zooKeeperClassPath === null)("ottla cluster start | head -1", { timeout: 60_000 }, () => {
  it("ends with its reader, and leaves no process behind", async () => {
    const data = await mkdtemp(join(tmpdir(), "ottla-cluster-head-"));
    const { child } = new StartedCluster(data, "--brokers", "1");
    try {
      const ended = once(child, "exit");
      await once(child.stdout!, "data");
      child.stdout!.destroy();
      expect(await ended).toEqual([EXIT_NO_READER, null]);
      const zooKeeper = Number(await readFile(join(data, "zookeeper-1", "pid"), "utf8"));
      expect(isGone(zooKeeper)).toBe(true);
    } finally {
      child.kill("SIGKILL");
      await rm(data, { recursive: true, force: true });
    }
  });
});

describe("ottla cluster start says what is missing", () => {
  it.each([
    [["--zookeeper-servers", "2"], /must be odd/],
    [[], /no jars of it here: give --zookeeper host:port/],
    [["--port", "65534"], /Ports from 65534 on do not do for 3 brokers/],
    [["--zookeeper", "localhost:99999"], /--zookeeper is "localhost:99999"; it must be host:port/],
    [["--set", "min.insync.replicas"], /argument 'min\.insync\.replicas' is invalid\. key=value is expected/],
  ])("%j", async (args, message) => {
    const data = join(tmpdir(), "ottla-cluster-nowhere");
    const { code, stderr } = await ottla(["cluster", "start", "--data", data, ...args], {
      env: { ZOOKEEPER_HOME: data },
    });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it.each([
    ["nonsense.invalid", /No ZooKeeper server could be reached \(nonsense\.invalid:2181\).* leave --zookeeper out/],
    ["localhost:1/path", /No ZooKeeper server could be reached \(localhost:1\).*nothing listens there/],
  ])("at once, where no ZooKeeper is at %s", async (zookeeper, message) => {
    const data = join(tmpdir(), "ottla-cluster-nowhere");
    const { code, stdout, stderr } = await ottla(["cluster", "start", "--data", data, "--zookeeper", zookeeper]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe.skipIf(zooKeeperClassPath === null)("ottla cluster verify", { timeout: 120_000 }, () => {
  let processes: ClusterProcesses;
  beforeAll(async () => {
    processes = await ClusterProcesses.start();
    await using admin = new Admin({ bootstrapServers: processes.bootstrapServers });
    await using producer = new Producer({ bootstrapServers: processes.bootstrapServers, acks: "all" });
    await admin.createTopics([
      { name: "altered", partitions: 1 },
      { name: "damaged", partitions: 1 },
      { name: "whole", partitions: 1 },
      { name: "tables", partitions: 1, configs: { "cleanup.policy": "compact" } },
    ]);
    for (const topic of ["altered", "damaged", "whole", "tables"]) {
      for (let n = 0; n < 5; n++) await producer.send({ topic, key: `k${n}`, value: `the value of ${n}` });
    }
  }, 90_000);
  afterAll(() => processes?.stop());

  /** Changes the last byte but one of a replica's last batch; the CRC goes with it, or does not. */
  async function tamper(brokerId: number, topic: string, withCrc: boolean): Promise<void> {
    const directory = join(processes.dataDirectoryOf(brokerId), `${topic}-0`);
    const file = join(directory, (await readdir(directory)).find((name) => name.endsWith(".log"))!);
    const bytes = new Uint8Array(await readFile(file));
    let last = 0;
    let end = 0;
    forEachBatch(bytes, (position, sizeBytes) => {
      last = position;
      end = position + sizeBytes;
    });
    bytes[end - 2]! ^= 1;
    if (withCrc) writeBatchCrc(bytes, last);
    await writeFile(file, bytes);
  }

  it("finds the replica that has another content or broken bytes, and says where", async () => {
    await using admin = new Admin({ bootstrapServers: processes.bootstrapServers });
    const leaders = (await admin.describeTopics(["altered", "damaged", "tables"])).map(
      ({ partitions }) => partitions[0]!.leader,
    );
    // One that leads none of them, or else a leader that hands over.
    const victim = processes.brokerIds.find((id) => !leaders.includes(id)) ?? 3;
    await processes.stopBroker(victim);
    await tamper(victim, "altered", true);
    await tamper(victim, "tables", true);
    await tamper(victim, "damaged", false);
    await processes.startBroker(victim);
    await until("it is in sync", async () => {
      const topics = await admin.describeTopics(["altered", "damaged", "tables"]);
      return topics.every(({ partitions }) => partitions[0]!.inSyncReplicas.length === 3);
    });
    const { stdout, code } = await cluster(
      processes.bootstrapServers,
      "verify",
      "altered",
      "damaged",
      "tables",
      "whole",
    );
    expect(code).toBe(1);
    const replica = `the replica of broker ${victim}`;
    expect(stdout).toMatch(new RegExp(`^altered-0: ${replica} differs: the record at 4 is another one: CRC 0x`, "m"));
    expect(stdout).toMatch(new RegExp(`^tables-0: ${replica} differs: the record at 4 is another one`, "m"));
    expect(stdout).toMatch(new RegExp(`^damaged-0: ${replica} is damaged: the batch's CRC is .* at offset 4$`, "m"));
    expect(stdout).not.toContain("whole-0");
    expect(stdout).toContain("4 partitions, 20 offsets");
    const whole = JSON.parse((await cluster(processes.bootstrapServers, "verify", "whole", "--json")).stdout);
    expect(whole).toEqual([expect.objectContaining({ topic: "whole", fromOffset: 0, endOffset: 5, problems: [] })]);
  });
});
