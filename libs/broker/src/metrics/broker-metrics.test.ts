import { alterClientQuotasApi, createTopicsApi, encodeRecordBatch } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { FaultyDisk } from "../test-support/faulty-disk.ts";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";
import { prometheusText, single } from "./metric-family.ts";

/** The series of a broker: `name{labels}` to value. */
async function scrape({ broker }: TestBroker): Promise<Map<string, number>> {
  const text = [...prometheusText(await broker.metrics())].join("");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line): [string, number] => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

describe("the metrics of a broker", () => {
  it("count what clients write and read, by topic and in all, past the end of a topic", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("a", 2);
    await broker.createTopic("b");
    await broker.produce("a", 0, batchOf("one", "two"));
    await broker.produce("b", 0, batchOf("three"));
    const before = await scrape(broker);
    expect(before.get('kafka_server_brokertopicmetrics_messagesin_total{topic="a"}')).toBe(2);
    expect(before.get("kafka_server_brokertopicmetrics_messagesin_total")).toBe(3);
    expect(before.get('kafka_log_log_logendoffset{topic="a",partition="0"}')).toBe(2);
    expect(before.get('kafka_log_log_size{topic="a",partition="0"}')).toBeGreaterThan(60);
    expect(before.get("kafka_server_replicamanager_leadercount")).toBe(3);
    expect(before.get("kafka_controller_kafkacontroller_globaltopiccount")).toBe(2);
    await broker.deleteTopic("a");
    const after = await scrape(broker);
    expect(after.get('kafka_server_brokertopicmetrics_messagesin_total{topic="a"}')).toBeUndefined();
    expect(after.get("kafka_server_brokertopicmetrics_messagesin_total")).toBe(3);
  });

  it("tell of requests by API and version, and how long they took", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("a");
    await broker.produce("a", 0, batchOf("one"));
    const series = await scrape(broker);
    const versions = [...series.keys()].filter((name) =>
      /requests_total\{request="Produce",version="\d+"\}/.test(name),
    );
    expect(versions).toHaveLength(1);
    expect(series.get('kafka_network_requestmetrics_totaltimems_count{request="Produce"}')).toBe(1);
    expect(series.has('kafka_network_requestmetrics_totaltimems{request="Produce",quantile="0.99"}')).toBe(true);
  });

  it("tell of total time, queue time and size of requests as histograms that can be summed over brokers", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("a");
    await broker.produce("a", 0, batchOf("one"));
    await broker.produce("a", 0, batchOf("x".repeat(5_000)));
    const text = [...prometheusText(await broker.broker.metrics())].join("");
    const series = await scrape(broker);
    for (const name of ["total_time_seconds", "queue_time_seconds", "size_bytes"].map(
      (end) => `ottla_request_${end}`,
    )) {
      expect(text).toContain(`# TYPE ${name} histogram\n`);
      const start = `${name}_bucket{request="Produce",le="`;
      const buckets = [...series].filter(([key]) => key.startsWith(start));
      expect(buckets.at(-1), name).toEqual([`${start}+Inf"}`, 2]);
      const counts = buckets.map(([, count]) => count);
      expect(counts, name).toEqual(counts.toSorted((a, b) => a - b));
      const bounds = buckets.map(([key]) => Number(key.slice(start.length, -2).replace("+Inf", "Infinity")));
      expect(bounds, name).toEqual(bounds.toSorted((a, b) => a - b));
      expect(series.get(`${name}_count{request="Produce"}`), name).toBe(2);
    }
    const size = (le: number) => series.get(`ottla_request_size_bytes_bucket{request="Produce",le="${le}"}`);
    expect([size(1_024), size(4_096), size(16_384)]).toEqual([1, 1, 2]);
    const sum = series.get('ottla_request_size_bytes_sum{request="Produce"}')!;
    expect(sum).toBeGreaterThan(5_000);
    expect(sum).toBeLessThan(6_000);
    expect(series.has('ottla_request_queue_time_seconds_sum{request="Produce"}')).toBe(true);
  });

  it("count the errors of answers, those inside of them too", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("a", 2);
    await broker.produce("a", 0, batchOf("one"));
    await broker.produce("a", 7, batchOf("nowhere"));
    const series = await scrape(broker);
    const errors = (request: string, error: string) =>
      series.get(`kafka_network_requestmetrics_errors_total{request="${request}",error="${error}"}`);
    expect(errors("Produce", "NONE")).toBe(1);
    expect(errors("Produce", "UNKNOWN_TOPIC_OR_PARTITION")).toBe(1);
    expect(errors("Fetch", "NONE")).toBeUndefined();
  });

  it("tell of those who are held to a quota, and of nobody else", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("a");
    const quotaSeries = async () =>
      new Map([...(await scrape(broker))].filter(([name]) => name.startsWith("kafka_server_quota_")));
    expect((await quotaSeries()).size).toBe(0);
    const alteration = (parts: Record<string, string | null>, key: string, value: number) => ({
      entity: Object.entries(parts).map(([entityType, entityName]) => ({ entityType, entityName })),
      ops: [{ key, value, remove: false }],
    });
    await broker.client.send(alterClientQuotasApi, 1, {
      entries: [
        alteration({ "client-id": null }, "producer_byte_rate", 10),
        alteration({ user: "ANONYMOUS", "client-id": "operator" }, "controller_mutation_rate", 1),
      ],
      validateOnly: false,
    });
    const slow = broker.connect('slow "one"');
    await broker.produceOn(slow, "a", 0, batchOf("v".repeat(200)));
    const topics = [{ name: "b", numPartitions: 5, replicationFactor: 1, assignments: [], configs: [] }];
    await broker.connect("operator").send(createTopicsApi, 7, { topics });
    const series = await quotaSeries();
    expect([...series.keys()]).toEqual([
      String.raw`kafka_server_quota_byte_rate{resource="Produce",clientId="slow \"one\""}`,
      'kafka_server_quota_mutation_rate{resource="ControllerMutation",user="ANONYMOUS",clientId="operator"}',
      'kafka_server_quota_tokens{resource="ControllerMutation",user="ANONYMOUS",clientId="operator"}',
      String.raw`kafka_server_quota_throttle_time{resource="Produce",clientId="slow \"one\""}`,
    ]);
    const [byteRate, mutationRate, tokens, throttleTime] = [...series.values()];
    expect({ byteRate: byteRate! > 20, mutationRate, tokens, throttleTime: throttleTime! > 10_000 }).toEqual({
      ...{ byteRate: true, mutationRate: 0.5, tokens: 6, throttleTime: true },
    });
    slow.close();
    await broker.runtime.advance(60_000);
    expect((await quotaSeries()).size).toBe(0);
  });

  it("are of a bounded number of holders", async () => {
    await using broker = await TestBroker.start();
    const entity = [{ entityType: "client-id", entityName: null }];
    const ops = [{ key: "request_percentage", value: 100, remove: false }];
    await broker.client.send(alterClientQuotasApi, 1, { entries: [{ entity, ops }], validateOnly: false });
    for (let i = 0; i < 1_010; i++) broker.broker.services.quotas.processed(`client-${i}`, 1);
    const names = [...(await scrape(broker)).keys()].filter((name) => name.startsWith("kafka_server_quota_"));
    expect(names).toHaveLength(1_000);
  });

  it("tell how long logs took to get to disk, and of the cleaner", async () => {
    await using broker = await TestBroker.start();
    const flushes = "kafka_log_logflushstats_logflushrateandtimems";
    await broker.createTopic("a", 1, { "flush.messages": "1" });
    const before = (await scrape(broker)).get(`${flushes}_count`)!;
    await broker.produce("a", 0, batchOf("one"));
    const series = await scrape(broker);
    expect(series.get(`${flushes}_count`)).toBe(before + 1);
    expect(series.has(`${flushes}{quantile="0.99"}`)).toBe(true);
    expect(series.get('kafka_log_logcleanermanager_uncleanable_partitions_count{logDirectory="/data"}')).toBe(0);
  });

  it("tell of the cleaner: how long its last pass took and what it left, when it last looked, and what it cannot clean", async () => {
    const disk = new FaultyDisk();
    const config = { "log.cleaner.backoff.ms": 5_000 };
    await using broker = await TestBroker.start({ disk, config });
    const cleaner = async (name: string) => (await scrape(broker)).get(`kafka_log_logcleaner${name}`);
    const compacted = {
      "cleanup.policy": "compact",
      "segment.ms": "1000",
      "min.cleanable.dirty.ratio": "0.01",
      "min.compaction.lag.ms": "0",
    };
    const write = async (topic: string) => {
      for (const value of ["first", "second", "third"]) {
        const records = Array.from({ length: 20 }, () => ({ key: "k", value }));
        const batch = encodeRecordBatch({ records, timestampMs: broker.runtime.clock.nowMs() });
        expect(await broker.produce(topic, 0, batch)).toMatchObject({ errorCode: 0 });
        await broker.runtime.advance(2_000);
      }
    };
    await broker.runtime.advance(20_000);
    const sinceMs = (await cleaner("manager_time_since_last_run_ms"))!;
    expect(sinceMs).toBeLessThan(10_000);
    await broker.runtime.advance(1_000);
    expect(await cleaner("manager_time_since_last_run_ms")).not.toBe(sinceMs);
    expect(await cleaner("_max_clean_time_secs")).toBeUndefined();

    await broker.createTopic("good", 1, compacted);
    disk.fault = (action, path) =>
      action === "write" && path.endsWith(".cleaned")
        ? new Promise((resolve) => void broker.runtime.timers.schedule(2_000, resolve))
        : null;
    await write("good");
    await broker.runtime.advance(60_000);
    expect(await cleaner("_max_clean_time_secs")).toBeGreaterThanOrEqual(2);
    const left = (await cleaner("_cleaner_recopy_percent"))!;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(100);
    expect(await cleaner('manager_uncleanable_partitions_count{logDirectory="/data"}')).toBe(0);

    await broker.createTopic("bad", 1, compacted);
    disk.fault = (action, path) => (action === "write" && /bad-.*\.cleaned$/.test(path) ? "IO" : null);
    await write("bad");
    await broker.runtime.advance(60_000);
    expect(await cleaner('manager_uncleanable_partitions_count{logDirectory="/data"}')).toBe(1);
  });

  it("are written in small pieces, however many partitions there are", async () => {
    await using broker = await TestBroker.start();
    await broker.createTopic("many", 1_000);
    const turns = [...(await broker.broker.metrics())].filter((family) => family === null);
    expect(turns).toHaveLength(2); // of the replicas here, and of the cluster's partitions
    const pieces = [...prometheusText(await broker.broker.metrics())];
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000);
    expect(pieces.join("").match(/^kafka_log_log_size\{/gm)).toHaveLength(1_000);
  });

  it("escape what labels may hold", () => {
    const family = { ...single("gauge", "x", "a\nb", 1), samples: [{ labels: { id: 'q"\\\n' }, value: 1 }] };
    expect([...prometheusText([family])].join("")).toBe('# HELP x a\\nb\n# TYPE x gauge\nx{id="q\\"\\\\\\n"} 1\n');
  });
});
