import { describeConfigsApi, ErrorCode, fetchApi } from "@ottla/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { batchOf, TestBroker, type TestBrokerOptions } from "./test-support/test-broker.ts";

let test: TestBroker | null = null;

afterEach(async () => {
  await test?.[Symbol.asyncDispose]();
  test = null;
});

async function start(
  config: Readonly<Record<string, string | number>>,
  options: TestBrokerOptions = {},
): Promise<TestBroker> {
  test = await TestBroker.start({ ...options, config });
  return test;
}

async function fetchAll(broker: TestBroker, topic: string) {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
  const { responses } = await broker.client.send(fetchApi, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic, partitions }],
  });
  return responses[0]!.partitions[0]!.records;
}

describe("what the logs of a broker hold", () => {
  it("is bounded by log.tail.memory.bytes, in all partitions together, and read from disk beyond that", async () => {
    const broker = await start({ "log.tail.memory.bytes": 100_000, "log.read.buffer.bytes": 0 });
    const resources = () => broker.broker.services.logResources();
    await broker.createTopic("orders", 3);
    for (let i = 0; i < 60; i++) await broker.produce("orders", i % 3, batchOf("x".repeat(5_000)));
    expect(resources().tailBytesMax).toBe(100_000);
    expect(resources().tailBytes).toBeLessThanOrEqual(100_000);
    expect(resources().tailBytes).toBeGreaterThan(50_000);
    expect((await fetchAll(broker, "orders"))!.length).toBeGreaterThan(20 * 5_000);
    expect(resources()).toMatchObject({ lentReadBytes: 0, pooledReadBytes: 0 });
  });

  it("is nothing in memory with log.tail.memory.bytes=0, and buffers are kept with log.read.buffer.bytes", async () => {
    const broker = await start({ "log.tail.memory.bytes": 0, "log.read.buffer.bytes": 1_000_000 });
    await broker.createTopic("orders");
    for (let i = 0; i < 5; i++) await broker.produce("orders", 0, batchOf("x".repeat(5_000)));
    expect((await fetchAll(broker, "orders"))!.length).toBeGreaterThan(5 * 5_000);
    const { tailBytes, pooledReadBytes, lentReadBytes } = broker.broker.services.logResources();
    expect([tailBytes, lentReadBytes]).toEqual([0, 0]);
    expect(pooledReadBytes).toBeGreaterThan(0);
  });

  it.each([
    ["log.open.files.max", { "log.open.files.max": 10 }, {}],
    ["half of what the process may open", {}, { openFilesLimit: 20 }],
  ])("is no more open files than %s, with however many partitions", async (_bound, config, options) => {
    const broker = await start(config, options);
    await broker.createTopic("orders", 60);
    for (let i = 0; i < 60; i++) {
      expect((await broker.produce("orders", i, batchOf("x"))).errorCode).toBe(ErrorCode.NONE);
    }
    await broker.runtime.settle();
    expect(broker.broker.services.logResources().openFiles).toBeLessThanOrEqual(10);
    const metrics = [...(await broker.broker.metrics())];
    const openFiles = metrics.find((family) => family?.name === "ottla_log_open_files")!;
    expect([...openFiles.samples][0]!.value).toBeLessThanOrEqual(10);
  });

  it("is told of by DescribeConfigs, with the keys' documentation", async () => {
    const broker = await start({ "log.tail.memory.bytes": 123_456 });
    const { results } = await broker.client.send(describeConfigsApi, 4, {
      resources: [{ resourceType: 4, resourceName: "1", configurationKeys: null }],
      includeDocumentation: true,
    });
    const configs = new Map(results[0]!.configs.map((config) => [config.name, config]));
    expect(configs.get("log.tail.memory.bytes")).toMatchObject({
      value: "123456",
      readOnly: true,
      configSource: 4,
      documentation: expect.stringMatching(/newest batches/),
    });
    expect(configs.get("log.open.files.max")).toMatchObject({ value: "4000", configSource: 5 });
    expect(configs.get("log.read.buffer.bytes")).toMatchObject({ value: String(16 * 1024 ** 2), configSource: 5 });
  });
});
