import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createTopicsApi,
  ErrorCode,
  encodeRecordBatch,
  encodeRequest,
  fetchApi,
  initProducerIdApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector } from "@ottla/transport";
import { freePort } from "@ottla/transport/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess, buildBrokerProcess } from "./test-support/broker-process.ts";

let scratch: string;
const running: BrokerProcess[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "ottla-broker-"));
  chmodSync(scratch, 0o777);
  await buildBrokerProcess();
}, 60_000);
afterEach(async () => {
  await Promise.all(running.splice(0).map((broker) => broker.stop("SIGKILL")));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function start(options: object, spawnOptions?: { readonly uid?: number }): BrokerProcess {
  const broker = new BrokerProcess({ port: 0, environment: {}, ...options }, spawnOptions);
  running.push(broker);
  return broker;
}

let directories = 0;
const newDirectory = () => join(scratch, `data-${directories++}`);

async function connect(port: number): Promise<BrokerConnection> {
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime);
  return await BrokerConnection.open({ connector, address: { host: "localhost", port }, runtime, clientId: "test" });
}

/** Puts more into a topic than the system buffers for a connection. */
async function fill(connection: BrokerConnection, topic: string): Promise<void> {
  const { topics } = await connection.request(metadataApi, { topics: [{ name: topic }] });
  for (let i = 0; i < 40; i++) {
    const records = encodeRecordBatch({ records: [{ value: "x".repeat(1_000_000) }], timestampMs: Date.now() });
    const topicData = [{ topicId: topics[0]!.topicId, partitionData: [{ index: 0, records }] }];
    await connection.request(produceApi, { acks: 1, timeoutMs: 5000, topicData });
  }
}

/** A client that asks for all of a topic and then reads none of the answer: the broker cannot get rid of it. */
function stuckReader(port: number, topic: string) {
  const socket = connectSocket(port, "localhost");
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }];
  const fetch = { maxWaitMs: 0, minBytes: 1, maxBytes: 50_000_000, topics: [{ topic, partitions }] };
  for (const chunk of encodeRequest(fetchApi, 12, { correlationId: 1, clientId: "stuck" }, fetch)) socket.write(chunk);
  const answering = once(socket, "readable");
  socket.on("error", () => {});
  return { socket, answering };
}

/** What a start that fails must look like: one line for a person, no stack trace; 2 where a config is wrong. */
async function refusalOf(broker: BrokerProcess, exitCode = 1): Promise<string> {
  expect(await broker.exited).toBe(exitCode);
  expect(broker.stdout).toBe("");
  expect(broker.stderr).not.toMatch(/^\s+at /m);
  expect(broker.plainErrors, broker.stderr).toHaveLength(1);
  return broker.plainErrors[0]!;
}

describe("a broker process", () => {
  it("says ready, and ends cleanly with SIGTERM and with SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const dataDirectory = newDirectory();
      const broker = start({ dataDirectory });
      await broker.ready();
      expect(broker.stdout).toMatch(/^ready localhost:\d+ ws:\/\/localhost:\d+\/kafka .* in \d+ ms\n$/);
      expect(await broker.stop(signal)).toBe(0);
      expect(existsSync(join(dataDirectory, ".kafka_cleanshutdown"))).toBe(true);
    }
  });

  it("answers probes while it waits for others, and ends with SIGTERM", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const arrived = once(silent, "connection");
    const ownPort = await freePort();
    const broker = start({ memory: true, port: ownPort, set: [`zookeeper.connect=127.0.0.1:${port}`] });
    await arrived;
    const probe = async (path: string) => {
      const response = await fetch(`http://localhost:${ownPort}${path}`);
      return [response.status, await response.json()];
    };
    const reason = `the broker is starting: waiting for ZooKeeper (zookeeper.connect=127.0.0.1:${port})`;
    await expect
      .poll(() => probe("/ready").catch(() => null), { timeout: 20_000 })
      .toEqual([503, { ready: false, reason }]);
    expect(await probe("/health")).toEqual([200, { status: "starting", reason, uptimeMs: expect.any(Number) }]);
    await expect(connect(ownPort), "a client turns to another broker").rejects.toThrow();
    expect(await broker.stop("SIGTERM")).toBe(143);
    expect(broker.plainErrors).toEqual(["ottla: SIGTERM came before the broker had started"]);
    silent.close();
  });

  it("ends at once with the second signal", async () => {
    const broker = start({ memory: true, set: ["log.segment.bytes=1048576"] });
    const port = await broker.ready();
    await fill(await connect(port), "orders");
    const client = stuckReader(port, "orders");
    await client.answering;
    broker.child.kill("SIGTERM");
    while (!broker.stderr.includes("shutting down")) await once(broker.child.stderr!, "data");
    expect(await broker.stop()).toBe(143);
    client.socket.destroy();
  });

  it("has after kill -9 what it had acknowledged, and gives no producer id twice", async () => {
    const dataDirectory = newDirectory();
    const producerIds: number[] = [];
    let clusterId: string | null = null;
    for (let life = 0; life < 3; life++) {
      const broker = start({ dataDirectory });
      const connection = await connect(await broker.ready());
      const { producerId } = await connection.request(initProducerIdApi, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      });
      producerIds.push(producerId);
      const topic = { name: "orders", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      if (life === 0) await connection.request(createTopicsApi, { topics: [topic] });
      const metadata = await connection.request(metadataApi, { topics: [{ name: "orders" }] });
      clusterId ??= metadata.clusterId;
      expect(metadata.clusterId).toBe(clusterId);
      const records = encodeRecordBatch({ records: [{ value: `life ${life}` }], timestampMs: Date.now() });
      const topicId = metadata.topics[0]!.topicId;
      const produced = await connection.request(produceApi, {
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ topicId, partitionData: [{ index: 0, records }] }],
      });
      expect(produced.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: life });
      expect(await broker.stop("SIGKILL")).toBeNull();
    }
    expect(new Set(producerIds).size).toBe(3);
    const connection = await connect(await start({ dataDirectory }).ready());
    const { topics } = await connection.request(listOffsetsApi, {
      replicaId: -1,
      topics: [{ name: "orders", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    });
    expect(topics[0]!.partitions[0]).toMatchObject({ offset: 3, leaderEpoch: 3 });
  });

  it("lives on when one of its log directories fails, and halts when the one with the metadata does", async () => {
    const [first, second] = [newDirectory(), newDirectory()];
    const checkpoints = "replica.high.watermark.checkpoint.interval.ms=50";
    const broker = start({ set: [`log.dirs=${first},${second}`, checkpoints] });
    const connection = await connect(await broker.ready());
    const topic = { name: "orders", numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await connection.request(createTopicsApi, { topics: [topic] });
    const { topicId } = topics[0]!;
    const produce = async (index: number) => {
      const records = encodeRecordBatch({ records: [{ value: "x" }], timestampMs: Date.now() });
      const topicData = [{ topicId, partitionData: [{ index, records }] }];
      const { responses } = await connection.request(produceApi, { acks: -1, timeoutMs: 5000, topicData });
      return responses[0]!.partitionResponses[0]!.errorCode;
    };
    const [lost, kept] = existsSync(join(second, "orders-0")) ? [0, 1] : [1, 0];
    expect(await produce(lost)).toBe(0);
    // The next checkpoint finds no place to be written to.
    renameSync(second, `${second}-gone`);
    await expect.poll(() => produce(lost), { timeout: 10_000 }).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await produce(kept)).toBe(0);
    renameSync(first, `${first}-gone`);
    await expect.poll(() => produce(kept).catch(() => -1), { timeout: 10_000 }).not.toBe(0);
    expect(await broker.exited).toBe(1);
    const errors = broker.stderr.split("\n").filter((line) => /"level":(50|"error")/.test(line));
    expect(errors.map((line) => JSON.parse(line).msg)).toEqual([
      expect.stringMatching(/^the log directory failed; its partitions are offline/),
      expect.stringMatching(/^the log directory failed; its partitions are offline/),
      expect.stringMatching(/the broker halts$/),
    ]);
  });

  it("takes configs from a file, the environment and arguments, the later over the earlier", async () => {
    const configFile = join(scratch, "server.properties");
    writeFileSync(
      configFile,
      "# stock settings\nnode.id=4\nnum.network.threads=3\nnum.partitions=2\nlog.retention.hours=1\nlisteners=PLAINTEXT://localhost:1\n",
    );
    const environment = { OTTLA_NUM_PARTITIONS: "3", OTTLA_LOG_RETENTION_MS: "5", HOME: "/" };
    const broker = start({ configFile, environment, set: ["num.partitions=4"], memory: true });
    const connection = await connect(await broker.ready());
    const { brokers, topics } = await connection.request(metadataApi, { topics: [{ name: "auto" }] });
    expect(brokers[0]!.nodeId).toBe(4);
    expect(topics[0]!.partitions).toHaveLength(4);
    expect(broker.stderr).toMatch(/num\.network\.threads has no effect here/);
  });
});

describe("a broker that cannot start says why in one line", () => {
  it("port in use", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const line = await refusalOf(start({ port, dataDirectory: newDirectory() }));
    expect(line).toMatch(new RegExp(`${port}.*in use`));
    server.close();
  });

  it("data directory of a running broker", async () => {
    const dataDirectory = newDirectory();
    await start({ dataDirectory }).ready();
    const line = await refusalOf(start({ dataDirectory }));
    expect(line).toMatch(/two brokers cannot share a data directory/);
    expect(line).toContain(dataDirectory);
  });

  it("data directory of another broker", async () => {
    const dataDirectory = newDirectory();
    const first = start({ dataDirectory, set: ["node.id=1"] });
    await first.ready();
    await first.stop();
    const line = await refusalOf(start({ dataDirectory, set: ["node.id=2"] }));
    expect(line).toMatch(/belongs to broker 1, and this is broker 2/);
    // Without an id of its own it takes the directory's.
    await start({ dataDirectory }).ready();
  });

  it("directory with other things in it", async () => {
    const dataDirectory = newDirectory();
    mkdirSync(dataDirectory);
    writeFileSync(join(dataDirectory, "holiday.jpg"), "");
    expect(await refusalOf(start({ dataDirectory }))).toMatch(/is not a data directory: it holds "holiday\.jpg"/);
    expect(existsSync(join(dataDirectory, "meta.properties"))).toBe(false);
  });

  it("a file where the directory should be", async () => {
    const dataDirectory = newDirectory();
    writeFileSync(dataDirectory, "");
    expect(await refusalOf(start({ dataDirectory }))).toMatch(/is not a directory/);
  });

  it("data directory that this user may not write", async () => {
    const dataDirectory = newDirectory();
    mkdirSync(dataDirectory);
    chmodSync(dataDirectory, 0o555);
    const NOBODY = 65_534;
    const asUser = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const line = await refusalOf(start({ dataDirectory }, asUser));
    expect(line).toMatch(/cannot be used: this user may not write there/);
    expect(line).toContain(dataDirectory);
  });

  it.runIf(existsSync("/proc/self"))("a directory that cannot be made", async () => {
    const line = await refusalOf(start({ dataDirectory: "/proc/ottla" }));
    expect(line).toBe(
      "ottla: the data directory /proc/ottla cannot be used: it is not there and cannot be made; choose another directory with log.dirs",
    );
  });

  it("damaged meta.properties", async () => {
    const dataDirectory = newDirectory();
    mkdirSync(dataDirectory);
    const file = join(dataDirectory, "meta.properties");
    writeFileSync(file, "version=1\n");
    expect(await refusalOf(start({ dataDirectory }))).toBe(
      `ottla: ${file} cannot be used: it has no cluster.id or no node.id`,
    );
  });

  it.each([
    ["no.such.key=1", /no such config key/],
    ["log.retention.mss=1", /did you mean log\.retention\.ms\?/],
    ["log.retention.ms=soon", /log\.retention\.ms=soon \(--set\): it must be a whole number, -1 or more/],
    ["authorizer.class.name=x", /security is not supported yet/],
    ["zookeeper.connect=localhost:port", /zookeeper\.connect=localhost:port: it must be host:port/],
    ["listeners=PLAINTEXT:9092", /an entry has the form NAME:\/\/host:port/],
    ["log.segment.bytes=10", /1048576 or more/],
  ])("config %s", async (setting, message) => {
    expect(await refusalOf(start({ port: undefined, memory: true, set: [setting] }), 2)).toMatch(message);
  });

  it("config file that is not there", async () => {
    expect(await refusalOf(start({ configFile: "/none/server.properties" }), 2)).toMatch(
      /\/none\/server\.properties cannot be read/,
    );
  });
});
