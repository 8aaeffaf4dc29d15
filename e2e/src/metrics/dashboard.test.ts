import { readFile } from "node:fs/promises";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";

const DASHBOARD = new URL("../../../docs/grafana-dashboard.json", import.meta.url);
const NAME = /\b(?:kafka|ottla|process|nodejs)_[a-z0-9_]+/g;
const PARTITIONS = 1_000;

describe("/metrics", () => {
  let broker: BrokerProcess;
  const scrape = async () => {
    const response = await fetch(`http://localhost:${broker.port}/metrics`);
    expect(response.status).toBe(200);
    return await response.text();
  };

  beforeAll(async () => {
    broker = await BrokerProcess.start({ dataDirectory: null, args: ["--set", "log.cleaner.backoff.ms=100"] });
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers, clientId: "held" });
    // Quotas have series once somebody was held to them, and for how long once somebody had to wait.
    const quotas = { producer_byte_rate: 1_000, request_percentage: 1_000, controller_mutation_rate: 100_000 };
    await admin.alterClientQuotas([{ entity: { clientId: "held" }, quotas }]);
    await admin.createTopics([{ name: "orders", partitions: PARTITIONS }, { name: "held" }]);
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    await producer.send(["one", "two"].map((value) => ({ topic: "orders", partition: 0, value })));
    await using held = new Producer({ bootstrapServers: broker.bootstrapServers, clientId: "held" });
    await held.send({ topic: "held", value: "v".repeat(15_000) });
    const consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: "billing",
      topics: ["orders"],
      autoOffsetReset: "earliest",
    });
    for await (const { value } of consumer) if (value === "two") break;
    await consumer.close();
  });
  afterAll(() => broker?.stop());

  it("has every series of the Grafana dashboard", async () => {
    const dashboard = await readFile(DASHBOARD, "utf8");
    const used = new Set([...dashboard.matchAll(NAME)].map(([name]) => name));
    expect(used.size).toBeGreaterThan(20);
    const series = new Set([...(await scrape()).matchAll(/^([a-z0-9_]+)(?:\{| )/gm)].map(([, name]) => name));
    expect([...used].filter((name) => !series.has(name))).toEqual([]);
  });

  it("counts what was written and read, and keeps to the text format", async () => {
    const text = await scrape();
    expect(text).toMatch(/^kafka_server_brokertopicmetrics_messagesin_total\{topic="orders"\} 2$/m);
    expect(Number(/^kafka_server_brokertopicmetrics_bytesout_total (\d+)$/m.exec(text)![1])).toBeGreaterThan(60);
    expect(text).toMatch(/^kafka_coordinator_group_groupmetadatamanager_numgroupsempty 1$/m);
    expect(text.match(/^kafka_log_log_size\{/gm)!.length).toBeGreaterThanOrEqual(PARTITIONS);
    const sample = /^[a-z][a-z0-9_]*(?:\{(?:[a-zA-Z_]+="(?:[^"\\\n]|\\.)*",?)+\})? (?:[\d.e+-]+|\+Inf|NaN)$/;
    const wrong = text
      .split("\n")
      .filter((line) => line !== "" && !/^# (?:HELP|TYPE) /.test(line) && !sample.test(line));
    expect(wrong).toEqual([]);
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(types).size).toBe(types.length);
  });
});
