import { Admin, type PartialFailureError } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

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
      await expect.poll(topicNames).toContain("t1");
      const [described] = await admin.describeTopics(["t1"]);
      expect(described).toMatchObject({ name: "t1", topicId: created!.topicId, isInternal: false });
      expect(described!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
      expect(described!.partitions.every(({ leader }) => leader >= 0)).toBe(true);
      await admin.deleteTopics(["t1"]);
      await expect.poll(topicNames).not.toContain("t1");
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
      await expect.poll(topicNames).toContain("new");
      expect((await failureOf(admin.deleteTopics(["no-such"]))).code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      expect((await failureOf(admin.describeTopics(["no-such"]))).code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    });

    it("adds partitions", async () => {
      await admin.createTopics([{ name: "grows", partitions: 1 }]);
      await admin.createPartitions([{ topic: "grows", count: 3 }]);
      await expect.poll(async () => (await admin.describeTopics(["grows"]))[0]!.partitions.length).toBe(3);
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
      await expect.poll(values).toEqual({
        "max.message.bytes": ["5000", "topic"],
        "retention.ms": ["604800000", "default"],
      });
      const error = await failureOf(
        admin.incrementalAlterConfigs([{ ...topic, changes: [{ key: "retention.ms", value: "soon" }] }]),
      );
      expect(error.code).toBe("INVALID_CONFIG");
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

    it("describes the cluster", async () => {
      const { brokers, clusterId, controllerId } = await admin.describeCluster();
      expect(clusterId).not.toBe("");
      expect(brokers.map(({ id }) => id)).toContain(controllerId);
    });
  });
}
