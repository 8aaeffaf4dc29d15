import { Admin, type PartialFailureError } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

/** Apache Kafka's brokers learn of changes a moment after the controller has answered: on a busy machine a long one. */
function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 15_000 });
}

async function failureOf(promise: Promise<unknown>): Promise<PartialFailureError> {
  return await promise.then(
    () => expect.fail("it did not fail"),
    (error: PartialFailureError) => error,
  );
}

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`admin on ${target.name}`, () => {
    let running: Awaited<ReturnType<typeof target.start>>;
    let admin: Admin;

    beforeAll(async () => {
      running = await target.start();
      admin = new Admin({ bootstrapServers: running.bootstrapServers });
    });
    afterAll(async () => {
      await admin?.close();
      await running?.stop();
    });

    /** Polled, as Apache Kafka's brokers learn of changes a moment after the controller has answered. */
    const topicNames = async () => (await admin.listTopics()).map(({ name }) => name);

    it("creates, lists, describes and deletes topics", async () => {
      const [created] = await admin.createTopics([{ name: "t1", partitions: 4, replicationFactor: 1 }]);
      expect(created).toMatchObject({ name: "t1", partitions: 4, replicationFactor: 1 });
      await eventually(topicNames).toContain("t1");
      const [described] = await admin.describeTopics(["t1"]);
      expect(described).toMatchObject({ name: "t1", topicId: created!.topicId, isInternal: false });
      expect(described!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
      expect(described!.partitions.every(({ leader }) => leader >= 0)).toBe(true);
      await admin.deleteTopics(["t1"]);
      await eventually(topicNames).not.toContain("t1");
    });

    it("only checks, where it is told to", async () => {
      await admin.createTopics([{ name: "only-checked" }], { validateOnly: true });
      expect(await topicNames()).not.toContain("only-checked");
    });

    it("tells failures per resource, and does the others", async () => {
      await admin.createTopics([{ name: "there" }]);
      const error = await failureOf(
        admin.createTopics([{ name: "there" }, { name: "new" }, { name: "bad name" }, { name: "none", partitions: 0 }]),
      );
      expect(error).toMatchObject({ name: "PartialFailureError" });
      expect(Object.fromEntries(error.failures.map((failure) => [failure.resource, failure.error.code]))).toEqual({
        there: "TOPIC_ALREADY_EXISTS",
        "bad name": "INVALID_TOPIC_EXCEPTION",
        none: "INVALID_PARTITIONS",
      });
      await eventually(topicNames).toContain("new");
      expect((await failureOf(admin.deleteTopics(["no-such"]))).code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      expect((await failureOf(admin.describeTopics(["no-such"]))).code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    });

    it("adds partitions", async () => {
      await admin.createTopics([{ name: "grows", partitions: 1 }]);
      await admin.createPartitions([{ topic: "grows", count: 3 }]);
      await eventually(async () => (await admin.describeTopics(["grows"]))[0]!.partitions.length).toBe(3);
      expect((await failureOf(admin.createPartitions([{ topic: "grows", count: 2 }]))).code).toBe("INVALID_PARTITIONS");
    });

    it("describes and changes configs", async () => {
      await admin.createTopics([{ name: "configured", configs: { "retention.ms": 60_000 } }]);
      const topic = { type: "topic", name: "configured" } as const;
      await admin.incrementalAlterConfigs([
        {
          ...topic,
          changes: [
            { key: "max.message.bytes", value: 5_000 },
            { key: "retention.ms", operation: "delete" },
          ],
        },
      ]);
      const values = async () => {
        const [configs] = await admin.describeConfigs([{ ...topic, keys: ["max.message.bytes", "retention.ms"] }]);
        return Object.fromEntries(configs!.entries.map(({ key, value, source }) => [key, [value, source]]));
      };
      await eventually(values).toEqual({
        "max.message.bytes": ["5000", "topic"],
        "retention.ms": ["604800000", "default"],
      });
      const error = await failureOf(
        admin.incrementalAlterConfigs([{ ...topic, changes: [{ key: "retention.ms", value: "soon" }] }]),
      );
      expect(error.code).toBe("INVALID_CONFIG");
    });

    it("knows topics by id: a name that came into being again is another topic", async () => {
      const [first] = await admin.createTopics([{ name: "by-id", partitions: 2 }]);
      const { topicId } = first!;
      const described = async () => (await admin.describeTopics([{ topicId }, "by-id"])).map(({ name }) => name);
      await eventually(() => described().catch(() => [])).toEqual(["by-id", "by-id"]);
      await admin.deleteTopics([{ topicId }]);
      await eventually(topicNames).not.toContain("by-id");
      const error = await failureOf(admin.deleteTopics([{ topicId }]));
      expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_ID", failures: [{ resource: topicId }] });
      await admin.createTopics([{ name: "by-id" }]);
      await eventually(topicNames).toContain("by-id");
      expect((await failureOf(admin.describeTopics(["by-id", { topicId }]))).failures).toMatchObject([
        { resource: topicId, error: { code: "UNKNOWN_TOPIC_ID" } },
      ]);
    });

    it("describes topics page by page", async () => {
      const names = ["pages-b", "pages-a", "pages-c"];
      await admin.createTopics(names.map((name) => ({ name, partitions: 5 })));
      await eventually(topicNames).toEqual(expect.arrayContaining(names));
      const described = await admin.describeTopics(names, { partitionsPerResponse: 2 });
      expect(described.map(({ name, partitions }) => [name, partitions.map(({ partition }) => partition)])).toEqual(
        names.map((name) => [name, [0, 1, 2, 3, 4]]),
      );
    });

    it("deletes records, per partition", async () => {
      await admin.createTopics([{ name: "shrinks", partitions: 2 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      await producer.send(Array.from({ length: 10 }, (_, index) => ({ topic: "shrinks", partition: index % 2 })));
      const progress: unknown[] = [];
      const deleted = await admin.deleteRecords(
        [
          { topic: "shrinks", partition: 1, beforeOffset: 3 },
          { topic: "shrinks", partition: 0, beforeOffset: "latest" },
        ],
        { onProgress: (now) => progress.push(now) },
      );
      expect(deleted.map(({ partition, lowWatermark }) => [partition, lowWatermark])).toEqual([
        [1, 3],
        [0, 5],
      ]);
      expect(progress.at(-1)).toEqual({ completed: 2, total: 2 });
      const starts = await admin.listOffsets(
        [0, 1].map((partition) => ({ topic: "shrinks", partition, spec: "earliest" as const })),
      );
      expect(starts.map(({ offset }) => offset)).toEqual([5, 3]);
      const error = await failureOf(
        admin.deleteRecords([
          { topic: "shrinks", partition: 0, beforeOffset: 99 },
          { topic: "shrinks", partition: 1, beforeOffset: 4 },
          { topic: "shrinks", partition: 7, beforeOffset: 1 },
        ]),
      );
      expect(Object.fromEntries(error.failures.map(({ resource, error: { code } }) => [resource, code]))).toEqual({
        "shrinks-0": "OFFSET_OUT_OF_RANGE",
        "shrinks-7": "UNKNOWN_TOPIC_OR_PARTITION",
      });
      expect(error.results).toMatchObject([{ partition: 1, lowWatermark: 4 }]);
    });

    it("lists what has configs", async () => {
      await admin.createTopics([{ name: "has-configs" }]);
      await eventually(topicNames).toContain("has-configs");
      if (target.lacks.includes("ListConfigResources")) {
        const error = await failureOf(admin.listConfigResources());
        expect(error).toMatchObject({ code: "UNSUPPORTED_VERSION" });
        expect(error.message).toContain("ListConfigResources");
        return;
      }
      const resources = await admin.listConfigResources({ types: ["topic", "broker"] });
      const { id } = (await admin.describeCluster()).brokers[0]!;
      expect(resources).toEqual(
        expect.arrayContaining([
          { type: "topic", name: "has-configs" },
          { type: "broker", name: String(id) },
        ]),
      );
    });

    it("describes log directories", async () => {
      await admin.createTopics([{ name: "has-size", partitions: 2 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      await producer.send({ topic: "has-size", partition: 0, value: "x".repeat(1_000) });
      await producer.send({ topic: "has-size", partition: 1, value: "x" });
      const dirs = await admin.describeLogDirs({
        partitions: [0, 1].map((partition) => ({ topic: "has-size", partition })),
      });
      const { brokers } = await admin.describeCluster();
      expect(dirs.map(({ broker }) => broker).sort()).toEqual(brokers.map(({ id }) => id).sort());
      for (const { totalBytes, replicas } of dirs) {
        expect(totalBytes).not.toBe(0);
        const sizes = replicas.map(({ topic, partition, sizeBytes }) => [topic, partition, sizeBytes > 1_000]);
        expect(sizes.sort()).toEqual([
          ["has-size", 0, true],
          ["has-size", 1, false],
        ]);
      }
      const error = await failureOf(admin.describeLogDirs({ brokers: [4711], timeoutMs: 1_000 }));
      expect(error.failures.map(({ resource }) => resource)).toEqual(["broker 4711"]);
    });

    it("describes producers", async () => {
      await admin.createTopics([{ name: "produced", partitions: 2 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      for (let count = 0; count < 3; count++) await producer.send({ topic: "produced", partition: 0, value: "v" });
      const described = await admin.describeProducers([0, 1].map((partition) => ({ topic: "produced", partition })));
      expect(described.map(({ producers }) => producers.length)).toEqual([1, 0]);
      expect(described[0]!.producers[0]).toMatchObject({ lastSequence: 2, currentTransactionStartOffset: -1 });
      const error = await failureOf(admin.describeProducers([{ topic: "produced", partition: 9 }]));
      expect(error.failures).toMatchObject([{ resource: "produced-9", error: { code: "UNKNOWN_TOPIC_OR_PARTITION" } }]);
    });

    it("lists and describes transactional ids", async () => {
      await admin.createTopics([{ name: "transacted", partitions: 1 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers, transactionalId: "listed" });
      await producer.transaction(async (transaction) => {
        await transaction.send({ topic: "transacted", value: "v" });
        const open = (await admin.listTransactions()).find(({ transactionalId }) => transactionalId === "listed")!;
        expect(open).toMatchObject({ state: "Ongoing", producerId: expect.any(Number) });
        expect(await admin.describeTransactions(["listed"])).toMatchObject([
          { ...open, timeoutMs: 60_000, partitions: [{ topic: "transacted", partition: 0 }] },
        ]);
        expect(await admin.listTransactions({ states: ["Empty"] })).not.toContainEqual(open);
      });
      const error = await failureOf(admin.describeTransactions(["nobody"]));
      expect(error.failures).toMatchObject([{ resource: "nobody", error: { code: "TRANSACTIONAL_ID_NOT_FOUND" } }]);
    });

    it("elects leaders where that is needed, and forgets no broker that it does not know", async () => {
      await admin.createTopics([{ name: "led", partitions: 2 }]);
      await eventually(topicNames).toContain("led");
      expect(await admin.electLeaders("preferred", null)).toEqual([]);
      expect(await admin.electLeaders("unclean", null)).toEqual([]);
      const unneeded = await failureOf(admin.electLeaders("preferred", [{ topic: "led", partition: 1 }]));
      expect(unneeded.failures).toMatchObject([{ resource: "led-1", error: { code: "ELECTION_NOT_NEEDED" } }]);
      const unknown = await failureOf(admin.electLeaders("unclean", [{ topic: "led", partition: 9 }]));
      expect(unknown.failures).toMatchObject([{ resource: "led-9", error: { code: "UNKNOWN_TOPIC_OR_PARTITION" } }]);
      await expect(admin.unregisterBroker(4711)).rejects.toMatchObject({ code: "BROKER_ID_NOT_REGISTERED" });
    });

    it("describes features", async () => {
      const { supported, finalized } = await admin.describeFeatures();
      for (const [feature, { minLevel, maxLevel }] of Object.entries(finalized)) {
        expect(supported[feature]!.maxLevel).toBeGreaterThanOrEqual(maxLevel);
        expect(minLevel).toBeLessThanOrEqual(maxLevel);
      }
      if (!target.isOurs) expect(Object.keys(finalized)).toContain("metadata.version");
    });

    it("finds offsets of every kind", async () => {
      await admin.createTopics([{ name: "kinds", partitions: 1 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      for (const timestampMs of [1_000, 3_000, 2_000]) {
        await producer.send({ topic: "kinds", partition: 0, value: "v", timestampMs });
      }
      const at = { topic: "kinds", partition: 0 };
      const specs = ["earliest", "latest", "maxTimestamp", "earliestLocal", "latestTiered"] as const;
      const found = await admin.listOffsets(specs.map((spec) => ({ ...at, spec })));
      expect(Object.fromEntries(found.map(({ offset }, index) => [specs[index], offset]))).toEqual({
        ...{ earliest: 0, latest: 3, maxTimestamp: 1, earliestLocal: 0 },
        latestTiered: -1,
      });
    });

    it("finds offsets: ends, and by time", async () => {
      await admin.createTopics([{ name: "offsets", partitions: 2 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      for (const timestampMs of [1_000, 2_000, 3_000]) {
        await producer.send({ topic: "offsets", partition: 1, value: "v", timestampMs });
      }
      const at = { topic: "offsets", partition: 1 };
      const found = await admin.listOffsets([
        { ...at, spec: "earliest" },
        { ...at, partition: 0, spec: "latest" },
      ]);
      expect(found.map(({ offset }) => offset)).toEqual([0, 0]);
      expect((await admin.listOffsets([{ ...at, spec: "latest" }]))[0]!.offset).toBe(3);
      expect((await admin.listOffsets([{ ...at, spec: { timestampMs: 1_500 } }]))[0]).toMatchObject({
        offset: 1,
        timestampMs: 2_000,
      });
      expect((await admin.listOffsets([{ ...at, spec: { timestampMs: 9_000 } }]))[0]!.offset).toBe(-1);
    });

    it("lists, describes, rewinds and deletes groups", async () => {
      const topic = "grouped";
      await admin.createTopics([{ name: topic, partitions: 1 }]);
      await using producer = new Producer({ bootstrapServers: running.bootstrapServers });
      await producer.send([1, 2, 3].map((value) => ({ topic, value: `${value}` })));
      const consumer = new Consumer({
        bootstrapServers: running.bootstrapServers,
        groupId: "readers",
        topics: [topic],
        autoOffsetReset: "earliest",
      });
      let seen = 0;
      for await (const _ of consumer) {
        if (++seen < 3) continue;
        const [group] = await admin.describeGroups(["readers"]);
        expect(group).toMatchObject({ groupId: "readers", state: "Stable", protocolType: "consumer" });
        expect(group!.members.map(({ assignment }) => assignment)).toEqual([[{ topic, partition: 0 }]]);
        break;
      }
      await consumer.close();
      expect((await admin.listGroups()).map(({ groupId }) => groupId)).toContain("readers");
      // The third record counts as processed once the loop asks for the next one, and it did not.
      expect(await admin.listGroupOffsets("readers")).toMatchObject([{ topic, partition: 0, offset: 2 }]);
      await admin.alterGroupOffsets("readers", [{ topic, partition: 0, offset: 1 }]);
      expect(await admin.listGroupOffsets("readers")).toMatchObject([{ topic, partition: 0, offset: 1 }]);
      await admin.deleteGroups(["readers"]);
      expect((await failureOf(admin.describeGroups(["readers"]))).code).toBe("GROUP_ID_NOT_FOUND");
    });

    it("describes groups of both protocols, where the broker has both", async () => {
      const topic = "both-protocols";
      await admin.createTopics([{ name: topic, partitions: 2 }]);
      await eventually(topicNames).toContain(topic);
      const { bootstrapServers } = running;
      const assignment = [0, 1].map((partition) => ({ topic, partition }));
      const member = { assignment, subscribedTopics: [topic] };
      const expected = {
        classic: { type: "classic", assignor: "range", members: [{ ...member, targetAssignment: null }] },
        consumer: { type: "consumer", members: [{ ...member, targetAssignment: assignment }] },
      };
      const protocols = target.lacks.includes("ConsumerGroupDescribe")
        ? (["classic"] as const)
        : (["classic", "consumer"] as const);
      for (const groupProtocol of protocols) {
        const groupId = `${groupProtocol}-one`;
        await using consumer = new Consumer({ bootstrapServers, topics: topic, groupId, groupProtocol });
        await consumer.start();
        const state = async () => (await admin.describeGroups([groupId]))[0]!.state;
        await eventually(state).toBe("Stable");
        expect(await admin.describeGroups([groupId])).toMatchObject([{ groupId, ...expected[groupProtocol] }]);
      }
      const error = await failureOf(admin.describeGroups(["no-such-group", "classic-one"]));
      expect(error.failures).toMatchObject([{ resource: "no-such-group", error: { code: "GROUP_ID_NOT_FOUND" } }]);
      expect(error.results).toMatchObject([{ groupId: "classic-one", members: [] }]);
    });

    it("describes the cluster", async () => {
      const { brokers, clusterId, controllerId } = await admin.describeCluster();
      expect(clusterId).not.toBe("");
      expect(brokers.map(({ id }) => id)).toContain(controllerId);
      if (target.lacks.includes("DescribeCluster")) {
        const error = await failureOf(admin.describeCluster({ includeFencedBrokers: true }));
        expect(error.message).toContain("includeFencedBrokers needs version 2 of DescribeCluster");
      } else {
        const all = await admin.describeCluster({ includeFencedBrokers: true });
        expect(all.brokers).toHaveLength(brokers.length);
        expect(all.brokers.filter(({ isFenced }) => isFenced)).toEqual([]);
      }
    });
  });
}
