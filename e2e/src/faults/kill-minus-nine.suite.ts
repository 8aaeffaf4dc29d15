import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "@ottla/admin";
import { ClusterClient } from "@ottla/client/internal";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { initProducerIdApi } from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { seeded } from "../harness/seeded.ts";

/** Killed again and again for so long; `OTTLA_TEST_KILL_SECONDS`: any time. */
const DURATION_S = Number(process.env.OTTLA_TEST_KILL_SECONDS ?? 60);
const PARTITIONS = 3;
const TOPIC = "killed";
const CONCURRENT_SENDS = 50;
const VALUE_PREFIX = "value-";
/** Reproduces the moments of the kills. */
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 20_261);

describe(`kill -9 in mid-load, for ${DURATION_S} s (seed ${SEED})`, { concurrent: true }, () => {
  let dataDirectory: string;
  let broker: BrokerProcess;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), "ottla-kill-"));
    broker = await BrokerProcess.start({ dataDirectory });
  });
  afterAll(async () => {
    await broker?.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it("loses, doubles and reorders nothing, reuses no producer id, resumes groups where they committed", {
    timeout: 60_000 + DURATION_S * 3_000,
  }, async ({ expect }) => {
    const bootstrapServers = broker.bootstrapServers;
    const random = seeded(SEED);
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);

    const load = startLoad(bootstrapServers);
    const group = startGroup(bootstrapServers);
    const producerIds: number[] = [];
    const endMs = performance.now() + DURATION_S * 1000;
    while (performance.now() < endMs) {
      await sleep(150 + random() * 500);
      producerIds.push(await newProducerId(bootstrapServers));
      const acknowledgedBefore = load.acknowledged.size;
      await broker.kill();
      broker = await BrokerProcess.start({ dataDirectory, port: broker.port });
      await expect.poll(() => load.acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(acknowledgedBefore);
    }
    await load.stop();
    await expect.poll(() => group.seen.size, { timeout: 30_000 }).toBe(load.acknowledged.size);
    await group.stop();

    console.log(`killed ${producerIds.length} times, ${load.acknowledged.size} records acknowledged`);
    const { places, disorder } = await readAll(bootstrapServers, load.acknowledged.size);
    expect(disorder, "records that stand before one that was sent earlier").toEqual([]);
    expect(producerIds.length).toBeGreaterThan(3);
    expect(new Set(producerIds).size, "producer ids issued").toBe(producerIds.length);
    for (const [value, position] of load.acknowledged) expect(places.get(value), value).toEqual([position]);
    expect(places.size, "values in the log").toBe(load.acknowledged.size);
    expect(group.rewinds, "partitions that a resumed group read from before its commit").toEqual([]);
  });
});

/** Sends numbered records, many at a time, through one idempotent producer, and keeps where each was acknowledged. */
function startLoad(bootstrapServers: string) {
  const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 120_000 });
  const acknowledged = new Map<string, string>();
  let running = true;
  let next = 0;
  const worker = async () => {
    while (running) {
      const number = next++;
      const value = `${VALUE_PREFIX}${number}`;
      const { partition, offset } = await producer.send({ topic: TOPIC, key: `key-${number % 97}`, value });
      acknowledged.set(value, `${partition}@${offset}`);
    }
  };
  const workers = Array.from({ length: CONCURRENT_SENDS }, worker);
  return {
    acknowledged,
    async stop() {
      running = false;
      await Promise.all(workers);
      await producer.close();
    },
  };
}

/** A group member that lives through the kills, commits now and then, and checks that it never reads behind its commit. */
function startGroup(bootstrapServers: string) {
  const seen = new Set<string>();
  const rewinds: string[] = [];
  const committed = new Map<number, number>();
  const consumer = new Consumer({
    bootstrapServers,
    groupId: "killed-group",
    topics: [TOPIC],
    autoOffsetReset: "earliest",
    autoCommit: false,
  });
  const reading = (async () => {
    const positions = new Map<number, number>();
    for await (const record of consumer) {
      const { partition, offset } = record;
      if (offset < (committed.get(partition) ?? 0)) rewinds.push(`${partition}@${offset}`);
      seen.add(String(record.value));
      positions.set(partition, offset + 1);
      if (seen.size % 100 === 0 && (await commit(consumer))) for (const entry of positions) committed.set(...entry);
    }
  })();
  return {
    seen,
    rewinds,
    async stop() {
      await consumer.close();
      await reading;
    },
  };
}

/** A commit may fail while the broker is away; the next one covers it. */
async function commit(consumer: Consumer): Promise<boolean> {
  return consumer.commit().then(
    () => true,
    () => false,
  );
}

async function newProducerId(bootstrapServers: string): Promise<number> {
  await using client = new ClusterClient(
    { bootstrapServers },
    { component: "kill-test", allowAutoTopicCreation: false },
  );
  const response = await client.ask("any", initProducerIdApi, { transactionalId: null, transactionTimeoutMs: 60_000 });
  return response.producerId;
}

/**
 * Every record of the topic: value -> where it stands (more than one place is a duplicate), and where in a partition
 * one stands that was sent before its predecessor.
 */
async function readAll(bootstrapServers: string, atLeast: number) {
  const places = new Map<string, string[]>();
  const disorder: string[] = [];
  const lastNumbers = new Map<number, number>();
  await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
  consumer.assign(partitions);
  const ends = await consumer.endOffsets(partitions);
  let left = ends.reduce((sum, { offset }) => sum + offset, 0);
  expect(left).toBeGreaterThanOrEqual(atLeast);
  for await (const { value, partition, offset } of consumer) {
    const text = String(value);
    places.set(text, [...(places.get(text) ?? []), `${partition}@${offset}`]);
    const number = Number(text.slice(VALUE_PREFIX.length));
    if (!(number > (lastNumbers.get(partition) ?? -1))) disorder.push(`${partition}@${offset}`);
    lastNumbers.set(partition, number);
    if (--left === 0) break;
  }
  return { places, disorder };
}
