import { Admin } from "@ottla/admin";
import { KafkaError } from "@ottla/client";
import { Consumer } from "@ottla/consumer";
import { Producer, type ProducerOptions, transactionErrorKind } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

const PARTITIONS = 3;

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`transactions on ${target.name}`, () => {
    let running: Awaited<ReturnType<typeof target.start>>;
    let admin: Admin;
    let names = 0;

    beforeAll(async () => {
      running = await target.start();
      admin = new Admin({ bootstrapServers: running.bootstrapServers });
    });
    afterAll(async () => {
      await admin?.close();
      await running?.stop();
    });

    function producerWith(options: Partial<ProducerOptions> = {}): Producer {
      const transactionalId = `txn-${names++}`;
      return new Producer({ bootstrapServers: running.bootstrapServers, transactionalId, ...options });
    }

    async function createTopic(): Promise<string> {
      const name = `transacted-${names++}`;
      await admin.createTopics([{ name, partitions: PARTITIONS }]);
      return name;
    }

    /** Values up to and including `last`, which each partition is to end with; in the order of their text. */
    async function readUntil(topic: string, last: string, isolationLevel: "read_committed" | "read_uncommitted") {
      const { bootstrapServers } = running;
      await using consumer = new Consumer({ bootstrapServers, isolationLevel, autoOffsetReset: "earliest" });
      consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })));
      const values: string[] = [];
      let ended = 0;
      for await (const { value } of consumer) {
        if (value !== last) values.push(value ?? "");
        else if (++ended === PARTITIONS) break;
      }
      return values.sort();
    }

    /** Ends each partition with a committed record, and gives what is before them. */
    async function committedValues(topic: string): Promise<string[]> {
      await using producer = producerWith();
      await producer.transaction((tx) => tx.send(inEach(topic, "the end")));
      return await readUntil(topic, "the end", "read_committed");
    }

    function inEach(topic: string, value: string) {
      return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, value }));
    }

    async function rejection(promise: Promise<unknown>): Promise<KafkaError> {
      const error = await promise.then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(error).toBeInstanceOf(KafkaError);
      return error as KafkaError;
    }

    it("commits what was sent, waited for or not, and gives what the work returned", async () => {
      const topic = await createTopic();
      await using producer = producerWith({ compression: "lz4" });
      const result = await producer.transaction(async (tx) => {
        void tx.send({ topic, value: "a" });
        const { offset } = await tx.send({ topic, partition: 1, value: "b" });
        expect(offset).toBeGreaterThanOrEqual(0);
        await tx.send(inEach(topic, "c"));
        return "done";
      });
      expect(result).toBe("done");
      expect(await committedValues(topic)).toEqual(["a", "b", "c", "c", "c"]);
    });

    it("aborts when the work throws, throws on what it threw, and goes on", async () => {
      const topic = await createTopic();
      await using producer = producerWith();
      for (let round = 0; round < 3; round++) {
        const failure = new Error(`failure ${round}`);
        const failing = producer.transaction(async (tx) => {
          await tx.send(inEach(topic, `aborted ${round}`));
          void tx.send({ topic, value: "aborted on its way" }).catch(() => {});
          throw failure;
        });
        await expect(failing).rejects.toBe(failure);
        await producer.transaction((tx) => tx.send({ topic, value: `committed ${round}` }));
      }
      expect(await committedValues(topic)).toEqual(["committed 0", "committed 1", "committed 2"]);
      const all = await readUntil(topic, "the end", "read_uncommitted");
      expect(all.filter((value) => value.startsWith("aborted ")).length).toBeGreaterThanOrEqual(3 * PARTITIONS);
    });

    it("runs many transactions, also empty ones", async () => {
      const topic = await createTopic();
      await using producer = producerWith();
      for (let number = 0; number < 40; number++) {
        await producer.transaction(async (tx) => {
          if (number % 10 !== 0) await tx.send({ topic, value: `${number}` });
        });
      }
      expect(await committedValues(topic)).toHaveLength(36);
    });

    it("aborts by a signal, also while the work hangs", async () => {
      const topic = await createTopic();
      await using producer = producerWith();
      const abort = new AbortController();
      const hanging = producer.transaction(
        async (tx) => {
          await tx.send({ topic, value: "hanging" });
          abort.abort();
          await new Promise(() => {});
        },
        { signal: abort.signal },
      );
      expect(await rejection(hanging)).toMatchObject({ code: "ABORTED" });
      await producer.transaction((tx) => tx.send({ topic, value: "after" }));
      expect(await committedValues(topic)).toEqual(["after"]);
    });

    it("does not commit when a send has failed that nobody waited for", async () => {
      const topic = await createTopic();
      await using producer = producerWith({ maxRequestSize: 10_000 });
      const failing = producer.transaction(async (tx) => {
        await tx.send({ topic, value: "with a failed one" });
        void tx.send({ topic, value: "x".repeat(20_000) });
      });
      const error = await rejection(failing);
      expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
      expect(transactionErrorKind(error)).toBe("abortable");
      await producer.transaction((tx) => tx.send({ topic, value: "after" }));
      expect(await committedValues(topic)).toEqual(["after"]);
    });

    it("fences off the producer that had the id before, for good", async () => {
      const topic = await createTopic();
      await using first = producerWith();
      const transactionalId = `fenced-${names++}`;
      await using old = producerWith({ transactionalId });
      await old.transaction((tx) => tx.send({ topic, value: "old" }));
      await using young = producerWith({ transactionalId });
      const zombie = old.transaction(async (tx) => {
        await tx.send({ topic, value: "zombie" });
        await young.transaction((own) => own.send({ topic, value: "young" }));
        await tx.send({ topic, value: "zombie again" });
      });
      const error = await rejection(zombie);
      expect(error.code).toBe("PRODUCER_FENCED");
      expect(await rejection(old.transaction(async () => {}))).toBe(error);
      await young.transaction((tx) => tx.send({ topic, value: "young again" }));
      await first.transaction((tx) => tx.send({ topic, value: "another" }));
      expect(await committedValues(topic)).toEqual(["another", "old", "young", "young again"]);
    });

    it("loses a transaction that takes longer than its timeout", { timeout: 60_000 }, async () => {
      const topic = await createTopic();
      const transactionalId = `slow-${names++}`;
      await using slow = producerWith({ transactionalId, transactionTimeoutMs: 500 });
      const late = slow.transaction(async (tx) => {
        await tx.send({ topic, value: "late" });
        const isOver = async () => {
          const { committed, all } = await readEndOffsets(topic);
          return committed === all;
        };
        await expect.poll(isOver, { timeout: 30_000, interval: 200 }).toBe(true);
      });
      const error = await rejection(late);
      expect(error.code).toBe("PRODUCER_FENCED");
      expect(transactionErrorKind(error)).toBe("fatal");
      expect(await rejection(slow.transaction(async () => {}))).toBe(error);
      await using next = producerWith({ transactionalId });
      await next.transaction((tx) => tx.send({ topic, value: "next" }));
      expect(await committedValues(topic)).toEqual(["next"]);
    });

    /** Sums of the partitions' ends: for readers of what is committed, and for all. */
    async function readEndOffsets(topic: string): Promise<{ committed: number; all: number }> {
      const ends = async (isolationLevel: "read_committed" | "read_uncommitted") => {
        await using consumer = new Consumer({ bootstrapServers: running.bootstrapServers, isolationLevel });
        const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
        return (await consumer.endOffsets(partitions)).reduce((sum, { offset }) => sum + offset, 0);
      };
      return { committed: await ends("read_committed"), all: await ends("read_uncommitted") };
    }

    it("commits a consumer's offsets with the records, or neither", async () => {
      const [from, to] = [await createTopic(), await createTopic()];
      const groupId = `group-${names++}`;
      await using source = producerWith();
      const inputs = Array.from({ length: 20 }, (_, index) => ({
        topic: from,
        partition: index % 3,
        value: `${index}`,
      }));
      await source.transaction((tx) => tx.send(inputs));
      await using producer = producerWith();
      const consumerOptions = {
        bootstrapServers: running.bootstrapServers,
        groupId,
        topics: [from],
        autoCommit: false,
        maxPollRecords: 4,
        autoOffsetReset: "earliest",
        isolationLevel: "read_committed",
      } as const;

      let failures = 0;
      let done = 0;
      while (done < 20) {
        await using consumer = new Consumer(consumerOptions);
        for await (const batch of consumer.batches()) {
          const values = [...batch].map(({ value }) => value);
          try {
            await producer.transaction(async (tx) => {
              await tx.send(values.map((value) => ({ topic: to, value: `out ${value}` })));
              await tx.sendOffsets(consumer);
              if (failures++ === 1) throw new Error("crash");
            });
          } catch (error) {
            expect(String(error)).toContain("crash");
            break;
          }
          done += values.length;
          if (done === 20) break;
        }
      }
      expect(failures).toBeGreaterThan(1);
      const expected = Array.from({ length: 20 }, (_, index) => `out ${index}`).sort();
      expect(await committedValues(to)).toEqual(expected);
    });

    it("refuses offsets of a member that its group has put out, and aborts", async () => {
      const [from, to] = [await createTopic(), await createTopic()];
      const groupId = `group-${names++}`;
      await using producer = producerWith();
      await producer.transaction((tx) => tx.send(inEach(from, "in")));
      const { bootstrapServers } = running;
      const options = { bootstrapServers, groupId, topics: [from], autoCommit: false } as const;
      const consumer = new Consumer(options);
      await consumer.start();
      const stale = consumer.transactionOffsets();
      expect(stale.offsets).toHaveLength(PARTITIONS);
      await consumer.close();
      const zombie = producer.transaction(async (tx) => {
        await tx.send({ topic: to, value: "zombie" });
        await tx.sendOffsets(stale);
      });
      const error = await rejection(zombie);
      expect(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"]).toContain(error.code);
      expect(transactionErrorKind(error)).toBe("abortable");
      await producer.transaction((tx) => tx.send({ topic: to, value: "after" }));
      expect(await committedValues(to)).toEqual(["after"]);
    });

    it("takes records and further transactions only where they belong", async () => {
      const topic = await createTopic();
      await using plain = new Producer({ bootstrapServers: running.bootstrapServers });
      expect(await rejection(plain.transaction(async () => {}))).toMatchObject({ code: "INVALID_TXN_STATE" });
      await using producer = producerWith();
      expect(await rejection(producer.send({ topic, value: "outside" }))).toMatchObject({ code: "INVALID_TXN_STATE" });
      const kept = await producer.transaction(async (tx) => {
        expect(await rejection(producer.transaction(async () => {}))).toMatchObject({ code: "INVALID_TXN_STATE" });
        await tx.send({ topic, value: "inside" });
        return { tx };
      });
      expect(await rejection(kept.tx.send({ topic, value: "after" }))).toMatchObject({ code: "INVALID_TXN_STATE" });
      expect(await committedValues(topic)).toEqual(["inside"]);
    });

    it("aborts what runs when the producer is closed", async () => {
      const topic = await createTopic();
      const producer = producerWith();
      let closed = Promise.resolve();
      const cut = producer.transaction(async (tx) => {
        await tx.send({ topic, value: "cut" });
        closed = producer.close();
        await new Promise(() => {});
      });
      expect(await rejection(cut)).toMatchObject({ code: "CLOSED" });
      await closed;
      expect(await committedValues(topic)).toEqual([]);
    });
  });
}
