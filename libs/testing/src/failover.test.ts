import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterEach, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

/** The coordinator of all groups is the leader of the one partition that there is; so it is with transactions. */
const QUICK = {
  "replica.lag.time.max.ms": 2_000,
  "offsets.topic.num.partitions": 1,
  "transaction.state.log.num.partitions": 1,
};

/** Sends numbered records of a few keys, one after another for each key, until it is told to stop. */
class Load {
  readonly acknowledged: string[] = [];
  readonly #producer: Producer;
  readonly #topic: string;
  #isStopped = false;
  readonly #done: Promise<unknown>;

  constructor(bootstrapServers: string, topic: string, keys: number) {
    this.#topic = topic;
    this.#producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 60_000 });
    this.#done = Promise.all(Array.from({ length: keys }, (_, key) => this.#send(`key-${key}`)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    await this.#producer.close();
  }

  async #send(key: string): Promise<void> {
    for (let number = 0; !this.#isStopped; number++) {
      const value = `${key} ${number}`;
      await this.#producer.send({ topic: this.#topic, key, value });
      this.acknowledged.push(value);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** The values of each key, in the order of a reader. */
function byKey(values: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const value of values) {
    const [key, number] = value.split(" ");
    numbers.set(key!, [...(numbers.get(key!) ?? []), Number(number)]);
  }
  return numbers;
}

async function readAll(topic: string, groupId: string, isAll: (seen: string[]) => boolean): Promise<string[]> {
  const values: string[] = [];
  await using consumer = new Consumer({
    bootstrapServers: cluster.bootstrapServers,
    groupId,
    autoOffsetReset: "earliest",
    isolationLevel: "read_committed",
  });
  consumer.subscribe([topic]);
  for await (const { value } of consumer) {
    values.push(value!);
    if (isAll(values)) break;
  }
  return values;
}

const leaderOf = (topic: string, partition: number) => {
  const running = cluster.brokers.find(({ isRunning }) => isRunning)!;
  return running.broker.services.image.topicsByName.get(topic)!.partitions[partition]!.leader;
};

function isWhole(topic: string): boolean {
  const running = cluster.brokers.filter(({ isRunning }) => isRunning);
  return running.every(({ broker }) =>
    broker.services.image.topicsByName
      .get(topic)!
      .partitions.every(({ isr, leader }) => leader >= 0 && isr.length === running.length),
  );
}

describe("a cluster of three", () => {
  it("loses and doubles nothing of an idempotent producer when leaders are killed under load", {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 3 }]);
    const load = new Load(cluster.bootstrapServers, "orders", 6);
    await until("records", () => load.acknowledged.length > 200);
    for (const round of [0, 1, 2]) {
      const victim = leaderOf("orders", round);
      const before = load.acknowledged.length;
      await cluster.kill(victim);
      await until("another leader", () => leaderOf("orders", round) !== victim && leaderOf("orders", round) >= 0);
      await until("records go on", () => load.acknowledged.length > before + 200);
      await cluster.start(victim);
      await until("all replicas in sync", () => isWhole("orders"));
    }
    await load.stop();
    const values = await readAll("orders", "readers", ({ length }) => length >= load.acknowledged.length);
    const read = byKey(values);
    for (const [key, numbers] of byKey(load.acknowledged)) {
      expect(read.get(key), key).toEqual(numbers);
    }
    expect(values).toHaveLength(load.acknowledged.length);
  });

  it("keeps a group's members and committed offsets when their coordinator is killed", {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 3 }]);
    const load = new Load(cluster.bootstrapServers, "orders", 6);
    const seen: string[] = [];
    const { bootstrapServers } = cluster;
    // Nobody commits for this group again: it tells whether what was committed before stays.
    const once = [0, 1, 2].map((partition) => {
      return { topic: "orders", partition, offset: 1_000 + partition, leaderEpoch: 0, metadata: "once" };
    });
    await admin.alterGroupOffsets("quiet", once);
    const consumer = new Consumer({ bootstrapServers, groupId: "g", autoOffsetReset: "earliest", autoCommit: false });
    consumer.subscribe(["orders"]);
    const acknowledged = new Map<number, number>();
    const rewinds: string[] = [];
    consumer.on("commit", ({ offsets }) => {
      for (const { partition, offset } of offsets) acknowledged.set(partition, offset);
    });
    const reading = (async () => {
      for await (const { partition, offset, value } of consumer) {
        if (offset < (acknowledged.get(partition) ?? 0)) rewinds.push(`${partition}@${offset}`);
        seen.push(value!);
        if (seen.length % 50 === 0) await consumer.commit();
      }
    })();
    await until("the group reads", () => seen.length > 200);
    for (let round = 0; round < 2; round++) {
      const coordinator = leaderOf("__consumer_offsets", 0);
      const before = seen.length;
      await cluster.kill(coordinator);
      await until("the group reads on", () => seen.length > before + 300);
      await cluster.start(coordinator);
      await until("all replicas in sync", () => isWhole("orders") && isWhole("__consumer_offsets"));
      expect(await admin.listGroupOffsets("quiet")).toEqual(once);
    }
    await load.stop();
    await until("all is read", () => new Set(seen).size === load.acknowledged.length);
    expect(rewinds, "read again from before a commit").toEqual([]);
    for (const { partition, offset } of await admin.listGroupOffsets("g"))
      expect(offset, `committed of ${partition}`).toBeGreaterThanOrEqual(acknowledged.get(partition)!);
    await consumer.commit();
    await consumer.close();
    await reading;
    const partitions = [0, 1, 2].map((partition) => ({ topic: "orders", partition }));
    const committed = await admin.listGroupOffsets("g", { partitions });
    const ends = await admin.listOffsets(partitions.map((one) => ({ ...one, spec: "latest" as const })));
    expect(committed.map(({ offset }) => offset)).toEqual(ends.map(({ offset }) => offset));
    for (const [key, numbers] of byKey(seen)) {
      const first = numbers.filter((number, index) => numbers.indexOf(number) === index);
      expect(first, key).toEqual([...first].sort((a, b) => a - b));
    }
  });

  it("commits transactions across brokers, whole or not at all, when coordinators and leaders are killed", {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 3 }]);
    const producer = new Producer({
      bootstrapServers: cluster.bootstrapServers,
      transactionalId: "t",
      deliveryTimeoutMs: 60_000,
    });
    const committed: number[] = [];
    /** Transactions that failed: a client whose commit is not answered cannot know. */
    const unsure = new Set<number>();
    let isStopped = false;
    const writing = (async () => {
      for (let number = 0; !isStopped; number++) {
        try {
          await producer.transaction(async (tx) => {
            for (const partition of [0, 1, 2]) await tx.send({ topic: "orders", partition, value: `${number}` });
            if (number % 5 === 4) throw new Error("abort");
          });
          committed.push(number);
        } catch (error) {
          if ((error as Error).message !== "abort") unsure.add(number);
        }
      }
    })();
    await until("transactions", () => committed.length > 20);
    for (const victim of [() => leaderOf("__transaction_state", 0), () => leaderOf("orders", 1)]) {
      const brokerId = victim();
      const before = committed.length;
      await cluster.kill(brokerId);
      await until("transactions go on", () => committed.length > before + 20);
      await cluster.start(brokerId);
      await until("all replicas in sync", () => isWhole("orders") && isWhole("__transaction_state"));
    }
    isStopped = true;
    await writing;
    await producer.close();
    const last = `${committed.at(-1)}`;
    const values = await readAll("orders", "readers", (seen) => seen.filter((value) => value === last).length === 3);
    const times = new Map<number, number>();
    for (const value of values) times.set(Number(value), (times.get(Number(value)) ?? 0) + 1);
    for (const number of committed) expect(times.get(number), `transaction ${number}`).toBe(3);
    for (const [number, count] of times) {
      expect([number, count, committed.includes(number) || unsure.has(number)]).toEqual([number, 3, true]);
    }
  });

  it("answers DeleteRecords when all replicas have deleted them", { timeout: 60_000 }, async () => {
    cluster = await startCluster({ brokers: 3, config: QUICK });
    const admin = await cluster.admin();
    await admin.createTopics([{ name: "orders", partitions: 1 }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    await producer.send(["a", "b", "c"].map((value) => ({ topic: "orders", value })));
    const [deleted] = await admin.deleteRecords([{ topic: "orders", partition: 0, beforeOffset: 2 }]);
    expect(deleted).toMatchObject({ lowWatermark: 2 });
    for (const { broker } of cluster.brokers) {
      expect(broker.services.partitions.get("orders", 0)!.log.logStartOffset).toBe(2);
    }
  });
});
