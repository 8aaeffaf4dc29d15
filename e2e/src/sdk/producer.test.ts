import { Admin } from "@ottla/admin";
import { KafkaError } from "@ottla/client";
import { Consumer } from "@ottla/consumer";
import { type ArraySendError, Producer, type ProducerOptions } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

const PARTITIONS = 3;

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`producer on ${target.name}`, () => {
    let running: Awaited<ReturnType<typeof target.start>>;
    let admin: Admin;
    let topicNumber = 0;

    beforeAll(async () => {
      running = await target.start();
      admin = new Admin({ bootstrapServers: running.bootstrapServers });
    });
    afterAll(async () => {
      await admin?.close();
      await running?.stop();
    });

    function producerWith(options: Partial<ProducerOptions> = {}): Producer {
      return new Producer({ bootstrapServers: running.bootstrapServers, ...options });
    }

    async function createTopic(configs: Record<string, string> = {}): Promise<string> {
      const name = `produced-${topicNumber++}`;
      await admin.createTopics([{ name, partitions: PARTITIONS, configs }]);
      // Until the leaders answer: with acks 0 nobody would tell that one was not ready yet.
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const queries = partitions.map((partition) => ({ topic: name, partition, spec: "latest" as const }));
      await expect.poll(async () => (await admin.listOffsets(queries)).length, { timeout: 10_000 }).toBe(PARTITIONS);
      return name;
    }

    /** All values of a topic, by partition. */
    async function readAll(topic: string, count: number): Promise<string[][]> {
      await using consumer = new Consumer({ bootstrapServers: running.bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })));
      const values: string[][] = Array.from({ length: PARTITIONS }, () => []);
      let seen = 0;
      for await (const record of consumer) {
        values[record.partition]!.push(record.value ?? "");
        if (++seen === count) break;
      }
      return values;
    }

    it("sends a record to a topic that is made on the way", async () => {
      await using producer = producerWith({ lingerMs: 5, compression: "lz4" });
      const { partition, offset } = await producer.send({
        topic: "auto-created",
        key: "k1",
        value: "v1",
        headers: [["trace", "1"]],
      });
      expect(partition).toBeLessThan(PARTITIONS);
      expect(offset).toBe(0);
    });

    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
      it(`keeps the order of thousands of sends, single and in arrays, with ${compression}`, async () => {
        const topic = await createTopic();
        await using producer = producerWith({ compression, batchSize: 4_000 });
        const values = Array.from({ length: 3_000 }, (_, index) => `${index}`);
        const singles = values.slice(0, 1_500).map((value) => producer.send({ topic, partition: 0, value }));
        const array = producer.send(values.slice(1_500).map((value) => ({ topic, partition: 0, value })));
        const offsets = [...(await Promise.all(singles)), ...(await array)].map(({ offset }) => offset);
        expect(offsets).toEqual(values.map((_, index) => index));
        expect((await readAll(topic, values.length))[0]).toEqual(values);
      });
    }

    for (const options of [{ acks: 0 }, { acks: 1 }, { acks: "all" }, { idempotence: false }] as const) {
      it(`writes everything with ${JSON.stringify(options)}`, async () => {
        const topic = await createTopic();
        const producer = producerWith(options);
        const sends = Array.from({ length: 500 }, (_, index) => producer.send({ topic, value: `${index}` }));
        const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
        expect(offsets.every((offset) => (options.acks === 0 ? offset === -1 : offset >= 0))).toBe(true);
        await producer.close();
        const values = (await readAll(topic, 500)).flat();
        expect(values.map(Number).sort((a, b) => a - b)).toEqual(sends.map((_, index) => index));
      });
    }

    it("tells the broker's time on a topic that keeps it", async () => {
      const topic = await createTopic({ "message.timestamp.type": "LogAppendTime" });
      await using producer = producerWith();
      const { timestampMs } = await producer.send({ topic, value: "v", timestampMs: 1_000 });
      expect(timestampMs).toBeGreaterThan(1_600_000_000_000);
      const own = await producer.send({ topic: await createTopic(), value: "v", timestampMs: 1_000 });
      expect(own.timestampMs).toBe(1_000);
    });

    it("splits batches that the topic's limit does not allow, and names the record that is too large alone", async () => {
      const topic = await createTopic({ "max.message.bytes": "1000" });
      await using producer = producerWith({ batchSize: 100_000 });
      const small = Array.from({ length: 100 }, (_, index) => ({ topic, partition: 0, value: `${index}`.padEnd(90) }));
      await producer.send(small);
      expect(producer.metrics().batchSplitTotal).toBeGreaterThan(0);
      const error = await producer
        .send([...small.slice(0, 3), { topic, partition: 0, value: "x".repeat(2_000) }])
        .catch((reason: ArraySendError) => reason);
      expect(error).toMatchObject({ name: "ArraySendError", code: "MESSAGE_TOO_LARGE" });
      expect((error as ArraySendError).outcomes.map(({ status }) => status)).toEqual([
        ...["fulfilled", "fulfilled", "fulfilled"],
        "rejected",
      ]);
      await producer.send({ topic, partition: 0, value: "after" });
      const values = (await readAll(topic, 104))[0]!;
      expect(values.slice(0, 100).map(Number)).toEqual(small.map((_, index) => index));
      expect(values.at(-1)).toBe("after");
    });

    it("refuses what the broker refuses, with its error", async () => {
      await using producer = producerWith({ maxBlockMs: 5_000 });
      const error = await producer.send({ topic: "not a name", value: "v" }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(KafkaError);
      expect(error).toMatchObject({ code: "INVALID_TOPIC_EXCEPTION", retriable: false });
    });

    it("goes on with a topic that was created again with fewer partitions", async () => {
      const topic = await createTopic();
      await using producer = producerWith();
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      await producer.send(partitions.map((partition) => ({ topic, partition, value: "before" })));
      await admin.deleteTopics([topic]);
      await expect.poll(async () => (await admin.listTopics()).map(({ name }) => name)).not.toContain(topic);
      await admin.createTopics([{ name: topic, partitions: 1 }]);
      const send = () => producer.send(partitions.map((partition) => ({ topic, partition, value: "after" })));
      // What had its place in a partition that is no more is told at once; the rest is written to the new topic.
      const error = await send().catch((reason: ArraySendError) => reason);
      expect((error as ArraySendError).outcomes).toMatchObject([
        { status: "fulfilled", value: { partition: 0, offset: 0 } },
        ...Array.from({ length: PARTITIONS - 1 }, () => ({ reason: { code: "UNKNOWN_TOPIC_OR_PARTITION" } })),
      ]);
      const sent = await producer.send(Array.from({ length: 9 }, (_, key) => ({ topic, key: `${key}`, value: "v" })));
      expect(sent.map(({ partition, offset }) => [partition, offset])).toEqual(sent.map((_, index) => [0, 1 + index]));
    });

    it("delivery reports come in the order of the sends to a partition", async () => {
      const topic = await createTopic();
      await using producer = producerWith({ batchSize: 500 });
      const reported: number[] = [];
      const sends = Array.from({ length: 300 }, (_, index) =>
        producer.send({ topic, partition: 0, value: `${index}` }).then(() => reported.push(index)),
      );
      await producer.flush();
      expect(reported).toHaveLength(300);
      await Promise.all(sends);
      expect(reported).toEqual(sends.map((_, index) => index));
      expect(producer.metrics()).toMatchObject({ recordSendTotal: 300, requestsInFlight: 0, bufferUsedBytes: 0 });
    });

    it("carries a megabyte in one record", async () => {
      const topic = await createTopic();
      await using producer = producerWith();
      const value = "0123456789".repeat(99_000);
      await producer.send({ topic, partition: 0, value });
      expect((await readAll(topic, 1))[0]).toEqual([value]);
    });
  });
}
