import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it } from "vitest";
import { startTestBroker } from "./index.ts";

describe("faults", () => {
  it.each([
    [{ api: "Produced", delayMs: 1 }, "no API called"],
    [{ error: "NOT_LEADER" }, "no error called"],
    [{ error: "toString" }, "no error called"],
    [{ delayMs: -1 }, "delayMs is -1"],
    [{ delayMs: "5" }, "delayMs is 5; it must be a number"],
    [{ drop: "request", times: "2" }, "times is 2"],
    [{ drop: "request", topic: 5 }, "topic is 5"],
    [null, "null is no fault"],
    [{ drop: "both" }, "A fault has"],
    [{ api: "Produce" }, "A fault has"],
    [{ delayMs: 1, times: 0 }, "times is 0"],
    [{ api: "Produce", error: "NONE" }, "no error called"],
    [{ delayMs: 5, drop: "request" }, "does one thing, and was given delayMs and drop"],
  ])("%j is none, and says so when it is injected", async (fault, message) => {
    await using broker = await startTestBroker();
    const inject = () => broker.faults.inject(fault as never);
    expect(inject).toThrow(RangeError);
    expect(inject).toThrow(message);
  });

  it("delay, and hold up nobody else", async () => {
    await using broker = await startTestBroker({ topics: ["slow", "quick"] });
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    await producer.send({ topic: "slow", value: "warm" });
    const fault = broker.faults.inject({ api: "Produce", topic: "slow", delayMs: 400 });
    const order: string[] = [];
    await using other = new Producer({ bootstrapServers: broker.bootstrapServers });
    await Promise.all([
      producer.send({ topic: "slow", value: "v" }).then(() => order.push("slow")),
      other.send({ topic: "quick", value: "v" }).then(() => order.push("quick")),
    ]);
    expect(order).toEqual(["quick", "slow"]);
    expect(fault.hits).toBe(1);
    fault.remove();
  });

  it.each(["request", "response"] as const)(
    "lose a %s: an idempotent producer writes once all the same",
    async (drop) => {
      await using broker = await startTestBroker({ topics: ["orders"] });
      await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, retryBackoffMs: 10 });
      await producer.send({ topic: "orders", value: "first" });
      const fault = broker.faults.inject({ api: "Produce", drop, times: 2 });
      await producer.send({ topic: "orders", value: "second" });
      expect(fault.hits).toBe(2);
      expect((await broker.records("orders")).map(({ value }) => value)).toEqual(["first", "second"]);
    },
  );

  it("answer with an error of Kafka's, to one client alone", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    broker.faults.inject({ api: "Produce", clientId: "unlucky", error: "TOPIC_AUTHORIZATION_FAILED" });
    await using unlucky = new Producer({ bootstrapServers: broker.bootstrapServers, clientId: "unlucky" });
    await expect(unlucky.send({ topic: "orders", value: "v" })).rejects.toMatchObject({
      code: "TOPIC_AUTHORIZATION_FAILED",
    });
    expect(await broker.produce("orders", "v")).toMatchObject([{ offset: 0 }]);
    broker.faults.clear();
    expect(await unlucky.send({ topic: "orders", value: "v" })).toMatchObject({ offset: 1 });
  });

  it.each([
    ["CreateTopics", "POLICY_VIOLATION"],
    ["DeleteTopics", "TOPIC_DELETION_DISABLED"],
    ["ListOffsets", "UNSUPPORTED_FOR_MESSAGE_FORMAT"],
    ["DescribeCluster", "CLUSTER_AUTHORIZATION_FAILED"],
    ["CreatePartitions", "POLICY_VIOLATION"],
    ["DeleteRecords", "POLICY_VIOLATION"],
    ["DescribeConfigs", "TOPIC_AUTHORIZATION_FAILED"],
    ["IncrementalAlterConfigs", "POLICY_VIOLATION"],
    ["DescribeGroups", "GROUP_AUTHORIZATION_FAILED"],
    ["DeleteGroups", "GROUP_AUTHORIZATION_FAILED"],
  ] as const)("reach %s", async (api, error) => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    const admin = await broker.admin();
    await admin.alterGroupOffsets("billing", [{ topic: "orders", partition: 0, offset: 0 }]);
    const fault = broker.faults.inject({ api, error });
    const orders = { type: "topic", name: "orders" } as const;
    const calls = {
      CreateTopics: () => admin.createTopics([{ name: "new" }]),
      DeleteTopics: () => admin.deleteTopics(["orders"]),
      ListOffsets: () => admin.listOffsets([{ topic: "orders", partition: 0, spec: "latest" }]),
      DescribeCluster: () => admin.describeCluster(),
      CreatePartitions: () => admin.createPartitions([{ topic: "orders", count: 2 }]),
      DeleteRecords: () => admin.deleteRecords([{ topic: "orders", partition: 0, beforeOffset: "latest" }]),
      DescribeConfigs: () => admin.describeConfigs([orders]),
      IncrementalAlterConfigs: () =>
        admin.incrementalAlterConfigs([{ ...orders, changes: [{ key: "retention.ms", value: "5" }] }]),
      DescribeGroups: () => admin.describeGroups(["billing"]),
      DeleteGroups: () => admin.deleteGroups(["billing"]),
    };
    await expect(calls[api]()).rejects.toMatchObject({ code: error });
    expect(fault.hits).toBeGreaterThan(0);
    fault.remove();
    await calls[api]();
  });

  it.each([
    { error: "TOPIC_AUTHORIZATION_FAILED", told: "TOPIC_AUTHORIZATION_FAILED" },
    { error: "LEADER_NOT_AVAILABLE", told: null },
  ] as const)("answer Metadata with $error for its topics, of brokers that are there", async ({ error, told }) => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    const fault = broker.faults.inject({ api: "Metadata", topic: "orders", error, times: 1 });
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, retryBackoffMs: 10 });
    const code = await producer.send({ topic: "orders", value: "v" }).then(
      () => null,
      (failure: { readonly code: string }) => failure.code,
    );
    expect([code, fault.hits]).toEqual([told, 1]);
  });

  it("leave Metadata that asks for brokers alone as it is: it has no place for an error", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    const error = broker.faults.inject({ api: "Metadata", error: "LEADER_NOT_AVAILABLE", times: 1 });
    const delay = broker.faults.inject({ api: "Metadata", delayMs: 1 });
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    expect(await admin.listGroups()).toEqual([]);
    expect([error.hits, delay.hits > 0]).toEqual([0, true]);
  });

  it("reach kafkajs, which tries again", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    const kafka = new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 10 },
    });
    const producer = kafka.producer();
    await producer.connect();
    const fault = broker.faults.inject({ api: "Produce", topic: "orders", error: "NOT_ENOUGH_REPLICAS", times: 1 });
    await producer.send({ topic: "orders", messages: [{ value: "v" }] });
    expect(fault.hits).toBe(1);
    expect(await broker.records("orders", { count: 1 })).toMatchObject([{ value: "v" }]);
    await producer.disconnect();
  });

  it("are refused where there is no such API", async () => {
    await using broker = await startTestBroker();
    expect(() => broker.faults.inject({ api: "produce", delayMs: 1 })).toThrow("no API called");
    const misspelt = { api: "Produce", tpoic: "orders", delayMs: 1 };
    expect(() => broker.faults.inject(misspelt)).toThrow("A fault has no tpoic");
  });
});

describe("a test broker", () => {
  it("holds back what is written to a partition, and that alone", async () => {
    await using broker = await startTestBroker({ topics: [{ name: "orders", partitions: 2 }] });
    await using held = new Producer({ bootstrapServers: broker.bootstrapServers });
    await using free = new Producer({ bootstrapServers: broker.bootstrapServers });
    const resume = broker.pausePartition("orders", 1);
    const waiting = held.send({ topic: "orders", partition: 1, value: "held" });
    await free.send({ topic: "orders", partition: 0, value: "free" });
    expect((await broker.records("orders")).map(({ value }) => value)).toEqual(["free"]);
    resume();
    await waiting;
    expect((await broker.records("orders")).map(({ value }) => value)).toEqual(["free", "held"]);
  });

  it.each([true, false])("holds back what is read from a partition, with writes held too: %s", async (writes) => {
    await using broker = await startTestBroker({ topics: [{ name: "orders", partitions: 2 }] });
    const { bootstrapServers } = broker;
    await using producer = new Producer({ bootstrapServers });
    await using consumer = new Consumer({
      bootstrapServers,
      groupId: "g",
      topics: ["orders"],
      autoOffsetReset: "earliest",
    });
    const seen: (string | null)[] = [];
    const reading = (async () => {
      for await (const { value } of consumer) if (seen.push(value) === 4) break;
    })();
    await producer.send({ topic: "orders", partition: 1, value: "before" });
    await expect.poll(() => seen).toEqual(["before"]);
    const resume = broker.pausePartition("orders", 1, { writes });
    const waiting = producer.send({ topic: "orders", partition: 1, value: "held" });
    if (!writes) await waiting;
    await using other = new Producer({ bootstrapServers });
    await other.send({ topic: "orders", partition: 0, value: "free" });
    // A fetch that waits at the broker already is answered; what comes after it is not.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const last = producer.send({ topic: "orders", partition: 1, value: "last" });
    if (!writes) await last;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).not.toContain("last");
    if (writes) expect(seen).toEqual(["before", "free"]);
    resume();
    await Promise.all([waiting, last, reading]);
    expect(seen.filter((value) => value !== "free")).toEqual(["before", "held", "last"]);
  });

  it("is killed and comes back with its records, on the same port", async () => {
    await using broker = await startTestBroker({ topics: ["orders"] });
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, reconnectBackoffMs: 10 });
    await producer.send({ topic: "orders", value: "before" });
    const { port } = broker;
    await broker.kill();
    const sending = producer.send({ topic: "orders", value: "after" });
    await broker.restart();
    await sending;
    expect(broker.port).toBe(port);
    expect((await broker.records("orders")).map(({ value }) => value)).toEqual(["before", "after"]);
    await broker.restart();
    expect(await broker.records("orders")).toHaveLength(2);
  });

  it("stamps what it produces by that clock: retention takes what is old, and leaves what is new", async () => {
    await using broker = await startTestBroker({ topics: [{ name: "r", configs: { "retention.ms": 3_600_000 } }] });
    await broker.produce("r", "old");
    await broker.clock.advance(86_400_000);
    const before = broker.clock.nowMs();
    await broker.produce("r", ["new", { value: "of its own time", timestampMs: before - 1 }]);
    await broker.clock.advance(600_000);
    await expect
      .poll(async () => (await broker.records("r")).map(({ value }) => value))
      .toEqual(["new", "of its own time"]);
    const [first] = await broker.records("r");
    expect(first!.timestampMs).toBeGreaterThanOrEqual(before);
  });

  it("has a clock that can be put forward: a silent member is taken out of its group at once", async () => {
    await using broker = await startTestBroker({
      topics: ["orders"],
      config: { "group.initial.rebalance.delay.ms": 0 },
    });
    const admin = await broker.admin();
    const consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: "billing",
      topics: ["orders"],
      sessionTimeoutMs: 600_000,
      heartbeatIntervalMs: 60_000,
    });
    await consumer.start();
    const stableGroups = async () => (await admin.listGroups({ states: ["Stable"] })).map(({ groupId }) => groupId);
    await expect.poll(stableGroups).toEqual(["billing"]);
    const before = broker.clock.nowMs();
    await broker.clock.advance(601_000);
    expect(broker.clock.nowMs() - before).toBeGreaterThanOrEqual(601_000);
    await expect.poll(stableGroups).toEqual([]);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5" as never]) {
      await expect(broker.clock.advance(wrong)).rejects.toThrow(RangeError);
    }
    for (const partition of ["0", -1, 1]) {
      expect(() => broker.pausePartition("orders", partition as never), `${partition}`).toThrow(RangeError);
    }
    broker.pausePartition("to-come", 3)();
    await consumer.close();
  });
});
