import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiVersionsApi, createTopicsApi, encodeRecordBatch, fetchApi, metadataApi, produceApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { type BrokerAddress, BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { BrokerStartError, startBroker } from "./start-broker.ts";

async function connect(address: BrokerAddress): Promise<BrokerConnection> {
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime);
  return await BrokerConnection.open({ connector, address, runtime, clientId: "test" });
}

const inMemory = { port: 0, memory: true } as const;

describe("startBroker", () => {
  it("runs a broker in this process until it is disposed of", async () => {
    let address: BrokerAddress;
    {
      await using broker = await startBroker(inMemory);
      expect(broker.bootstrapServers).toBe(`localhost:${broker.port}`);
      address = parseAddress(broker.bootstrapServers);
      const connection = await connect(address);
      const { clusterId, brokers } = await connection.request(metadataApi, { topics: null });
      expect(clusterId).toBe(broker.clusterId);
      expect(brokers).toMatchObject([{ nodeId: 1, port: broker.port, url: null }]);
    }
    await expect(connect(address)).rejects.toThrow(/nothing listens/);
  });

  it.each([
    [{ data: "/nowhere" }, "there is no option data; they are port, memory, dataDirectory, config, logger"],
    [{ port: "9092" }, 'startBroker: port is "9092"; it must be a whole number from 0 to 65535.'],
    [{ port: 65_536 }, "port is 65536"],
    [{ memory: "yes" }, 'memory is "yes"; it must be true or false'],
    [{ memory: false, dataDirectory: 5 }, "dataDirectory is 5; it must be a text"],
    [{ config: ["node.id=1"] }, "config is a list; it must be an object"],
    [{ logger: console.log }, "logger is a function; it must be an object with a method info"],
    [{ "num.partitions": 3 }, "there is no option num.partitions"],
    [{ dataDirectory: "/nowhere" }, "memory and dataDirectory exclude each other"],
  ])("does not start with %j, which would have no effect or another one", async (options, message) => {
    const starting = startBroker({ ...inMemory, ...options } as never);
    await expect(starting).rejects.toBeInstanceOf(BrokerStartError);
    await expect(starting).rejects.toThrow(message);
  });

  it("runs several at a time, that know nothing of each other", async () => {
    await using first = await startBroker(inMemory);
    await using second = await startBroker({ ...inMemory, config: { "node.id": 7, "num.partitions": 2 } });
    expect(first.clusterId).not.toBe(second.clusterId);
    expect(second.nodeId).toBe(7);
    const topic = { name: "a", numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const toFirst = await connect(parseAddress(first.bootstrapServers));
    const toSecond = await connect(parseAddress(second.bootstrapServers));
    expect((await toSecond.request(createTopicsApi, { topics: [topic] })).topics[0]!.numPartitions).toBe(2);
    expect((await toFirst.request(metadataApi, { topics: null })).topics).toEqual([]);
  });

  it("keeps its data where it is told to, for the next one", async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), "ottla-start-broker-"));
    onTestFinished(() => rmSync(dataDirectory, { recursive: true, force: true }));
    const records = encodeRecordBatch({ records: [{ key: "k", value: "kept" }], timestampMs: 1 });
    let clusterId: string;
    let topicId: string;
    {
      await using broker = await startBroker({ port: 0, dataDirectory });
      const connection = await connect(parseAddress(broker.bootstrapServers));
      const topic = { name: "a", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      const { topics } = await connection.request(createTopicsApi, { topics: [topic] });
      ({ clusterId } = broker);
      topicId = topics[0]!.topicId;
      const topicData = [{ topicId, partitionData: [{ index: 0, records }] }];
      const { responses } = await connection.request(produceApi, { acks: -1, timeoutMs: 5_000, topicData });
      expect(responses[0]!.partitionResponses).toMatchObject([{ errorCode: 0, baseOffset: 0 }]);
    }
    await using broker = await startBroker({ port: 0, dataDirectory });
    expect(broker.clusterId).toBe(clusterId);
    const connection = await connect(parseAddress(broker.bootstrapServers));
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }];
    const topics = [{ topicId, partitions }];
    const { responses } = await connection.request(fetchApi, { maxWaitMs: 0, minBytes: 1, maxBytes: 1_000, topics });
    const [partition] = responses[0]!.partitions;
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(Buffer.from(partition!.records!).includes("kept")).toBe(true);
    await expect(startBroker({ port: 0, dataDirectory })).rejects.toThrow(BrokerStartError);
  });

  it("speaks Kafka over WebSocket on the same port, and tells WebSocket clients its URL", async () => {
    await using broker = await startBroker(inMemory);
    const connection = await connect(parseAddress(broker.webSocketUrl));
    expect(
      (await connection.request(apiVersionsApi, { clientSoftwareName: "test", clientSoftwareVersion: "1" })).errorCode,
    ).toBe(0);
    const { brokers } = await connection.request(metadataApi, { topics: null });
    expect(brokers).toMatchObject([{ nodeId: 1, port: broker.port, url: broker.webSocketUrl }]);
  });

  it("is ready, and tells /metrics what it and its process do", async () => {
    const broker = await startBroker(inMemory);
    const connection = await connect(parseAddress(broker.bootstrapServers));
    const get = (path: string) => fetch(`http://localhost:${broker.port}${path}`);
    expect(await (await get("/ready")).json()).toEqual({ ready: true });
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const text = await response.text();
    expect(text).toMatch(/^kafka_server_kafkaserver_brokerstate 3$/m);
    expect(text).toMatch(/^kafka_coordinator_group_groupmetadatamanager_numgroups 0$/m);
    expect(text).toMatch(/^kafka_network_requestmetrics_requests_total\{request="ApiVersions",version="\d"\} 1$/m);
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d{7,}$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m);
    connection.close();
    await broker.close();
  });

  it("tells the console what Kafka's protocol has no API for", async () => {
    await using broker = await startBroker(inMemory);
    const connection = await connect(parseAddress(broker.bootstrapServers));
    await connection.request(metadataApi, { topics: null });
    const get = async (path: string) => (await fetch(`http://localhost:${broker.port}/console/${path}`)).json();
    expect(await get("state")).toMatchObject({
      nodeId: 1,
      clusterId: broker.clusterId,
      connectionsCount: 1,
      traffic: { recordsIn: 0 },
      process: { residentBytes: expect.any(Number), eventLoopDelayP99Ms: expect.any(Number) },
      apis: [
        { name: "Metadata", count: 1 },
        { name: "ApiVersions", count: 1 },
      ],
    });
    expect(await get("connections")).toMatchObject({
      total: 1,
      connections: [{ transport: "tcp", clientId: "test", requestsCount: 2, requestsInFlight: 0 }],
    });
    expect(await get("topics")).toMatchObject({ topics: [] });
    connection.close();
  });

  it("answers /health, and everything else with the page or a hint", async () => {
    await using broker = await startBroker(inMemory);
    const health = await fetch(`http://localhost:${broker.port}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok", uptimeMs: expect.any(Number) }]);
    expect((await fetch(`http://localhost:${broker.port}/`)).status).toBe(200);
    expect((await fetch(`http://localhost:${broker.port}/no/such/page`)).status).toBe(404);
  });

  it("refuses requests of other origins, unless they are allowed", async () => {
    await using closed = await startBroker(inMemory);
    await using open = await startBroker({ ...inMemory, config: { "allowed.origins": "https://app.example" } });
    const status = async (port: number, origin: string) =>
      (await fetch(`http://localhost:${port}/health`, { headers: { origin } })).status;
    expect(await status(closed.port, "https://app.example")).toBe(403);
    expect(await status(open.port, "https://app.example")).toBe(200);
    expect(await status(open.port, "https://evil.example")).toBe(403);
  });

  it("tells clients the advertised address", async () => {
    const config = { "advertised.listeners": "PLAINTEXT://kafka.example:19092" };
    await using broker = await startBroker({ ...inMemory, config });
    expect(broker.bootstrapServers).toBe("kafka.example:19092");
    const connection = await connect({ host: "localhost", port: broker.port });
    const { brokers } = await connection.request(metadataApi, { topics: null });
    expect(brokers).toMatchObject([{ host: "kafka.example", port: 19092, url: null }]);
  });

  it("tells WebSocket clients the advertised URL and TCP clients the address that they reached", async () => {
    const config = { "advertised.listeners": "wss://kafka.example/bus" };
    await using broker = await startBroker({ ...inMemory, config });
    expect(broker.webSocketUrl).toBe("wss://kafka.example/bus");
    const overTcp = await connect({ host: "localhost", port: broker.port });
    expect((await overTcp.request(metadataApi, { topics: null })).brokers).toMatchObject([
      { port: broker.port, url: null },
    ]);
    const overWebSocket = await connect(parseAddress(`ws://localhost:${broker.port}/kafka`));
    expect((await overWebSocket.request(metadataApi, { topics: null })).brokers).toMatchObject([
      { host: "kafka.example", port: 443, url: "wss://kafka.example/bus" },
    ]);
  });

  it.each([
    [{ config: { "num.partitons": 3 } }, /num\.partitons=3 .* did you mean num\.partitions\?/],
    [{ config: { "num.partitions": 0 } }, /a whole number, 1 or more/],
    [{ config: { listeners: "SSL://localhost:0" }, port: undefined }, /SSL is not supported yet/],
  ])("says what is wrong with %j", async (options, message) => {
    const starting = startBroker({ ...inMemory, ...options } as never);
    await expect(starting).rejects.toThrow(BrokerStartError);
    await expect(starting).rejects.toThrow(message);
  });

  it("leaves nothing open when it cannot start", async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, "127.0.0.1", () => resolve((blocker.address() as { port: number }).port));
    });
    await expect(startBroker({ memory: true, port })).rejects.toThrow(/in use/);
    await new Promise((resolve) => blocker.close(resolve));
    await using broker = await startBroker({ memory: true, port });
    expect(broker.port).toBe(port);
  });
});
