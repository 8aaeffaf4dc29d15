import { Admin } from "@ottla/admin";
import { Consumer, type InvalidRecordPolicy, json, nullable, readTopics, string, topic } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { sdkTargets } from "../harness/sdk-targets.ts";

const Order = z.object({ id: z.number(), at: z.iso.datetime().transform((text) => new Date(text)) });
const Payment = z.object({ cents: z.number().int() });

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`typed topics on ${target.name}`, () => {
    let running: Awaited<ReturnType<typeof target.start>>;
    let producer: Producer;
    let admin: Admin;
    let topicNumber = 0;

    beforeAll(async () => {
      running = await target.start();
      producer = new Producer({ bootstrapServers: running.bootstrapServers });
      admin = new Admin({ bootstrapServers: running.bootstrapServers });
    });
    afterAll(async () => {
      await producer?.close();
      await admin?.close();
      await running?.stop();
    });

    async function createTopic(): Promise<string> {
      const name = `typed-${topicNumber++}`;
      await admin.createTopics([{ name, partitions: 1 }]);
      return name;
    }

    function readerOf(...names: string[]): Consumer {
      const consumer = new Consumer({ bootstrapServers: running.bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign(names.map((name) => ({ topic: name, partition: 0 })));
      return consumer;
    }

    it("one loop reads topics of different types", async () => {
      const orders = topic(await createTopic(), { key: string(), value: json(Order) });
      const payments = topic(await createTopic(), { key: nullable(string()), value: json(Payment) });
      await producer.send([
        orders.record({ key: "o1", value: { id: 1, at: "2026-01-02T03:04:05Z" }, headers: { trace: "t" } }),
        payments.record({ value: { cents: 250 } }),
      ]);
      await using consumer = readerOf(orders.name, payments.name);
      const seen: unknown[] = [];
      for await (const record of readTopics(consumer, [orders, payments], { onInvalid: "throw" })) {
        expectTypeOf(record.value).toEqualTypeOf<{ id: number; at: Date } | { cents: number }>();
        seen.push([record.key, record.value, record.headers.length]);
        if (seen.length === 2) break;
      }
      expect(seen).toEqual(
        expect.arrayContaining([
          ["o1", { id: 1, at: new Date("2026-01-02T03:04:05Z") }, 1],
          [null, { cents: 250 }, 0],
        ]),
      );
    });

    /** Four records, the second and third of which are none. */
    async function withInvalid() {
      const payments = topic(await createTopic(), { key: string(), value: json(Payment) });
      const raw = { topic: payments.name, partition: 0, headers: { trace: "t" } };
      await producer.send([
        payments.record({ key: "k1", value: { cents: 1 } }),
        { ...raw, key: "k2", value: '{"cents":"many"}' },
        { ...raw, key: "k3", value: null },
        payments.record({ key: "k4", value: { cents: 4 } }),
      ]);
      return payments;
    }

    it("throw: the loop ends, and says where the record lies and why", async () => {
      const payments = await withInvalid();
      await using consumer = readerOf(payments.name);
      const keys: string[] = [];
      const read = async () => {
        for await (const { key } of readTopics(consumer, [payments], { onInvalid: "throw" })) keys.push(key);
      };
      await expect(read()).rejects.toMatchObject({
        code: "DESERIALIZATION_FAILED",
        message: expect.stringContaining(`${payments.name}-0 at offset 1 cannot be read: cents: `),
      });
      expect(keys).toEqual(["k1"]);
    });

    it("skip: the loop goes on, and the program may be told", async () => {
      const payments = await withInvalid();
      await using consumer = readerOf(payments.name);
      const skipped: number[] = [];
      const keys: string[] = [];
      const options = {
        onInvalid: "skip" as InvalidRecordPolicy,
        onInvalidRecord: (_: unknown, { offset }: { offset: number }) => skipped.push(offset),
      };
      for await (const { key } of readTopics(consumer, [payments], options)) {
        keys.push(key);
        if (key === "k4") break;
      }
      expect(keys).toEqual(["k1", "k4"]);
      expect(skipped).toEqual([1, 2]);
    });

    it("dead letter: the record is kept elsewhere, with where it was and why", async () => {
      const payments = await withInvalid();
      const deadLetters = await createTopic();
      await using consumer = readerOf(payments.name);
      const onInvalid = { deadLetter: { topic: deadLetters, producer } };
      for await (const { key } of readTopics(consumer, [payments], { onInvalid })) if (key === "k4") break;
      await using reader = readerOf(deadLetters);
      const letters: unknown[] = [];
      for await (const { key, value, headers } of reader) {
        const text = Object.fromEntries(headers.map(([name, data]) => [name, new TextDecoder().decode(data!)]));
        letters.push([key, value, text.trace, text["__ottla.errors.offset"], text["__ottla.errors.topic"]]);
        if (letters.length === 2) break;
      }
      expect(letters).toEqual([
        ["k2", '{"cents":"many"}', "t", "1", payments.name],
        ["k3", null, "t", "2", payments.name],
      ]);
    });
  });
}
