import { readFile } from "node:fs/promises";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { startCluster } from "@ottla/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { exporterSeries, parseMBeans } from "./exporter-names.ts";

const DASHBOARD = new URL("../../../docs/grafana-dashboard.json", import.meta.url);
const NAME = /\b(?:kafka|ottla|process|nodejs)_[a-z0-9_]+/g;
const MBEANS = new URL("./apache-kafka-mbeans.txt", import.meta.url);
const PARTITIONS = 1_000;

/** Series of ours that the exporter does not make of those MBeans, and where they are from. */
const OTHERS: Readonly<Record<string, string>> = {
  "kafka_controller_controllerstats_leaderelectionrateandtimems_count{}": "Kafka's controller before KRaft",
  "kafka_server_brokertopicmetrics_failedfetchrequests_total{topic}": "there once one for the topic has failed",
  "kafka_server_brokertopicmetrics_failedproducerequests_total{topic}": "there once one for the topic has failed",
  "kafka_server_socket_server_metrics_connection_count{listener,transport}":
    "connection-count of type=socket-server-metrics, which kafka-2_0_0.yml has no rule for",
};

/** A series with the names of its labels, as one text. */
const shapeOf = (name: string, labels: readonly string[]) => `${name}{${[...labels].sort().join()}}`;

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
    const missing = async () => {
      const series = new Set([...(await scrape()).matchAll(/^([a-z0-9_]+)(?:\{| )/gm)].map(([, name]) => name));
      return [...used].filter((name) => !series.has(name));
    };
    // The cleaner has series once it has looked at all logs.
    await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
  });

  it("has the names that the usual exporter makes of Apache Kafka's MBeans", async () => {
    const known = parseMBeans(await readFile(MBEANS, "utf8")).flatMap(exporterSeries);
    const shapes = new Set(known.map(({ name, labels }) => shapeOf(name, labels)));
    const ours = new Set(
      [...(await scrape()).matchAll(/^(kafka_[a-z0-9_]+)(?:\{(.*)\})? /gm)].map(([, name, labels = ""]) =>
        shapeOf(
          name!,
          [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label!),
        ),
      ),
    );
    // What only brokers of a cluster have.
    await using cluster = await startCluster({ brokers: 2 });
    await (await cluster.admin()).createTopics([{ name: "both", partitions: 2, replicationFactor: 2 }]);
    for (const { broker: member } of cluster.brokers) {
      for (const family of await member.metrics()) {
        for (const { labels, suffix = "" } of family?.samples ?? []) {
          ours.add(shapeOf(`${family!.name}${suffix}`, Object.keys(labels)));
        }
      }
    }
    const strange = [...ours].filter((shape) => shape.startsWith("kafka_") && !shapes.has(shape)).sort();
    expect(ours.size).toBeGreaterThan(80);
    expect(strange).toEqual(Object.keys(OTHERS).sort());
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
