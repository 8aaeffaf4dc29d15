import { Admin } from "@ottla/admin";
import { Consumer, type ConsumerOptions } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { sdkTargets } from "../harness/sdk-targets.ts";
import { until } from "../harness/until.ts";

const PARTITIONS = 6;

/** A member that reads in the background, and remembers what and from where. */
class Member {
  readonly consumer: Consumer;
  readonly values: string[] = [];
  readonly #ended: Promise<void>;

  constructor(options: ConsumerOptions, onRecord: (value: string) => void = () => {}) {
    this.consumer = new Consumer({ autoOffsetReset: "earliest", autoCommitIntervalMs: 200, ...options });
    this.#ended = this.#read(onRecord);
  }

  async #read(onRecord: (value: string) => void): Promise<void> {
    for await (const record of this.consumer) {
      this.values.push(record.value ?? "");
      onRecord(record.value ?? "");
    }
  }

  async close(): Promise<void> {
    await this.consumer.close();
    await this.#ended;
  }
}

function owned(members: readonly Member[]): string[] {
  return members
    .flatMap((member) => member.consumer.assignment())
    .map(({ topic, partition }) => `${topic}-${partition}`)
    .sort();
}

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`consumer on ${target.name}`, () => {
    let running: Awaited<ReturnType<typeof target.start>>;
    let bootstrapServers: string;
    let admin: Admin;
    let producer: Producer;
    let topicNumber = 0;

    beforeAll(async () => {
      running = await target.start();
      bootstrapServers = running.bootstrapServers;
      admin = new Admin({ bootstrapServers });
      producer = new Producer({ bootstrapServers });
    });
    afterAll(async () => {
      await producer?.close();
      await admin?.close();
      await running?.stop();
    });

    async function createTopic(partitions = PARTITIONS): Promise<string> {
      const name = `consumed-${topicNumber++}`;
      await admin.createTopics([{ name, partitions }]);
      return name;
    }

    /** Sends numbered values, keyed so that they spread over the partitions. */
    async function send(topic: string, from: number, to: number): Promise<string[]> {
      const values = Array.from({ length: to - from }, (_, index) => `v${from + index}`);
      await producer.send(values.map((value) => ({ topic, key: value, value })));
      return values;
    }

    for (const assignor of ["range", "roundrobin", "sticky", "cooperative-sticky"] as const) {
      it(`${assignor}: members come and go as records flow; nothing is lost, every partition is owned`, async () => {
        const topic = await createTopic();
        const options: ConsumerOptions = {
          bootstrapServers,
          groupId: `group-${topic}`,
          topics: topic,
          partitionAssignors: [assignor],
          heartbeatIntervalMs: 100,
        };
        const seen = new Map<string, number>();
        const count = (value: string) => seen.set(value, (seen.get(value) ?? 0) + 1);
        const allPartitions = Array.from({ length: PARTITIONS }, (_, partition) => `${topic}-${partition}`);
        const members: Member[] = [];
        let sent = 0;
        for (const step of ["join", "join", "join", "leave", "join", "leave"]) {
          if (step === "join") members.push(new Member(options, count));
          else await members.shift()!.close();
          const from = sent;
          sent += 500;
          await send(topic, from, sent);
          await until("every partition owned once, evenly", () => {
            const isEven = members.every(
              (member) => member.consumer.assignment().length === PARTITIONS / members.length,
            );
            return isEven && owned(members).join() === allPartitions.join();
          });
        }
        await until("all records read", () => seen.size === sent);
        await Promise.all(members.map((member) => member.close()));
        // A member that is closed does not wait for the record that it has in hand: two were closed on the way.
        const doubled = [...seen.values()].filter((times) => times > 1).length;
        expect(doubled).toBeLessThanOrEqual(2);
      });
    }

    it("goes on where the group has committed", async () => {
      const topic = await createTopic();
      const options = { bootstrapServers, groupId: `group-${topic}`, topics: topic };
      const first = new Member(options);
      const sent = await send(topic, 0, 300);
      await until("first half", () => first.values.length === 300);
      await first.consumer.commit();
      await first.close();
      const later = await send(topic, 300, 600);
      const second = new Member(options);
      await until("second half", () => second.values.length >= 300);
      await second.close();
      expect(first.values.sort()).toEqual(sent.sort());
      expect(second.values.sort()).toEqual(later.sort());
    });

    it("a static member that restarts gets its partitions back without a rebalance", async () => {
      const topic = await createTopic();
      const options = { bootstrapServers, groupId: `group-${topic}`, topics: topic, heartbeatIntervalMs: 100 };
      const other = new Member({ ...options, groupInstanceId: "other" });
      let restarting = new Member({ ...options, groupInstanceId: "restarting" });
      const both = () =>
        owned([other, restarting]).length === PARTITIONS && restarting.consumer.assignment().length === 3;
      await until("shared out", both);
      const before = restarting.consumer.assignment();
      const { generationId } = other.consumer.groupMetadata();
      await restarting.close();
      restarting = new Member({ ...options, groupInstanceId: "restarting" });
      await until("back", () => restarting.consumer.assignment().length > 0);
      expect(restarting.consumer.assignment()).toEqual(before);
      expect(other.consumer.groupMetadata().generationId).toBe(generationId);
      await Promise.all([other.close(), restarting.close()]);
    });

    it("seeks by time, pauses, and knows positions, lag and ends", async () => {
      const topic = await createTopic(1);
      const partition = { topic, partition: 0 };
      for (const timestampMs of [1_000, 2_000, 3_000]) {
        await producer.send({ topic, value: `at ${timestampMs}`, timestampMs });
      }
      await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign([partition]);
      const [found] = await consumer.offsetsForTimes([{ ...partition, timestampMs: 1_500 }]);
      expect(found).toMatchObject({ offset: 1, timestampMs: 2_000 });
      expect(await consumer.offsetsForTimes([{ ...partition, timestampMs: 9_000 }])).toEqual([]);
      consumer.seek(partition, found!.offset);
      const loop = consumer.records();
      expect((await loop.next()).value.value).toBe("at 2000");
      expect(await consumer.position(partition)).toBe(2);
      expect(consumer.currentLag(partition)).toBe(1);
      expect((await consumer.endOffsets([partition]))[0]?.offset).toBe(3);
      expect((await consumer.beginningOffsets([partition]))[0]?.offset).toBe(0);
    });

    it("reads in batches, text and bytes, headers in order", async () => {
      const topic = await createTopic(1);
      const headers: [string, string][] = [
        ["a", "1"],
        ["a", "2"],
      ];
      await producer.send([
        { topic, key: "ключ", value: "значение", headers },
        { topic, value: Uint8Array.of(0xff, 0) },
        { topic, key: "gone", value: null },
      ]);
      await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign([{ topic, partition: 0 }]);
      for await (const batch of consumer.batches()) {
        const [text, bytes, tombstone] = [...batch];
        expect([text!.key, text!.value]).toEqual(["ключ", "значение"]);
        expect(text!.headers.map(([name, value]) => [name, new TextDecoder().decode(value!)])).toEqual(headers);
        expect(bytes!.valueBytes).toEqual(Uint8Array.of(0xff, 0));
        expect([bytes!.key, tombstone!.value]).toEqual([null, null]);
        break;
      }
    });

    it("reads a topic that comes into being later, and partitions that are added", async () => {
      const topic = "consumed-later";
      const member = new Member({
        bootstrapServers,
        groupId: "later",
        topics: topic,
        allowAutoCreateTopics: false,
        metadataMaxAgeMs: 500,
      });
      await until("joined", () => member.consumer.membershipState === "stable");
      await admin.createTopics([{ name: topic, partitions: 1 }]);
      await send(topic, 0, 10);
      await until("read", () => member.values.length === 10);
      await admin.createPartitions([{ topic, count: 3 }]);
      await until("added partitions", () => member.consumer.assignment().length === 3);
      await member.close();
    });
  });
}

describe("consumer and a broker that restarts", () => {
  it("goes on by itself and loses nothing", async () => {
    let broker = await BrokerProcess.start();
    const { port, dataDirectory, bootstrapServers } = broker;
    const member = new Member({ bootstrapServers, groupId: "g", topics: "t", heartbeatIntervalMs: 100 });
    await using producer = new Producer({ bootstrapServers });
    const send = (from: number) =>
      producer.send(Array.from({ length: 100 }, (_, index) => ({ topic: "t", value: `v${from + index}` })));
    await send(0);
    await until("first records", () => member.values.length === 100);
    await broker.kill();
    broker = await BrokerProcess.start({ port, dataDirectory });
    await send(100);
    await until("records after the restart", () => new Set(member.values).size === 200);
    await member.close();
    await broker.stop();
  });
});
