import { Consumer, type IsolationLevel } from "@ottla/consumer";
import { Producer, type Transaction } from "@ottla/producer";
import { seededRandom } from "@ottla/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { seedsOf } from "./simulation/seeds.ts";
import { startTestBroker, type TestBroker } from "./test-broker.ts";

const { seeds: SEEDS } = seedsOf(2);
const PRODUCERS = 3;
const KEYS = 6;
const ROUNDS = 12;
const PARTITION = { topic: "t", partition: 0 };
/** The first is less than a batch: transactions span many fetches. */
const FETCH_BYTES = [1, 700, 1_048_576];

let broker: TestBroker;
afterEach(() => broker?.close());

interface Written {
  /** Of committed transactions; a later one of the same key comes last. */
  readonly committed: Map<string, string>;
  readonly values: Set<string>;
  readonly total: number;
}

/** Open at the same time, so that their batches lie between one another's; each ends as chance will have it. */
async function writeTransactions(seed: number): Promise<Written> {
  const random = seededRandom(seed);
  const { bootstrapServers } = broker;
  const producers = Array.from(
    { length: PRODUCERS },
    (_, index) => new Producer({ bootstrapServers, transactionalId: `id-${index}` }),
  );
  const committed = new Map<string, string>();
  const values = new Set<string>();
  let total = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const work = producers.map(async (producer, index) => {
      const isCommitted = random.nextInt(3) > 0;
      const sends = 2 + random.nextInt(4);
      // Each producer has keys of its own: which value of a key is the last does not depend on who ends first.
      const records = Array.from({ length: sends }, (_, number) => ({
        key: `${index}-${random.nextInt(KEYS)}`,
        value: `${isCommitted ? "committed" : "aborted"} ${round}.${number} ${"x".repeat(200)}`,
      }));
      total += sends;
      const send = async (tx: Transaction) => {
        for (const record of records) await tx.send({ ...PARTITION, ...record });
        if (!isCommitted) throw new RangeError("aborted on purpose");
      };
      await producer.transaction(send).catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
      });
      if (!isCommitted) return;
      for (const { key, value } of records) {
        committed.set(key, value);
        values.add(value);
      }
    });
    await Promise.all(work);
  }
  await Promise.all(producers.map((producer) => producer.close()));
  return { committed, values, total };
}

async function readAll(isolationLevel: IsolationLevel, maxPartitionFetchBytes: number) {
  const { bootstrapServers } = broker;
  const options = { bootstrapServers, isolationLevel, maxPartitionFetchBytes, fetchMaxWaitMs: 20 };
  await using consumer = new Consumer({ ...options, autoOffsetReset: "earliest" });
  consumer.assign([PARTITION]);
  const [end] = await consumer.endOffsets([PARTITION]);
  const records: { readonly key: string; readonly value: string }[] = [];
  const reading = (async () => {
    for await (const { key, value } of consumer) records.push({ key: key!, value: value! });
  })();
  await expect.poll(() => consumer.position(PARTITION), { timeout: 15_000, interval: 10 }).toBe(end!.offset);
  await consumer.close();
  await reading;
  return records;
}

describe.each(SEEDS)("read_committed (seed %i)", (seed) => {
  it("shows all that was committed and nothing else, over fetches of any size, before, during and after compaction", async () => {
    const config = { "log.cleaner.backoff.ms": 50, "log.cleaner.min.cleanable.ratio": 0.01 };
    broker = await startTestBroker({ config });
    const configs = { "cleanup.policy": "compact", "segment.ms": "50" };
    await broker.createTopic("t", { partitions: 1, configs: { ...configs, "min.compaction.lag.ms": "1500" } });
    const { committed, values, total } = await writeTransactions(seed);
    const latest = (records: readonly { readonly key: string; readonly value: string }[]) =>
      new Map(records.map(({ key, value }) => [key, value]));

    for (const fetchBytes of FETCH_BYTES) {
      const read = await readAll("read_committed", fetchBytes);
      expect(read.filter(({ value }) => !values.has(value))).toEqual([]);
      expect(latest(read)).toEqual(committed);
    }
    // What lies in the active segment is not compacted: one more record begins the next.
    await broker.clock.advance(2_000);
    await broker.produce("t", [{ key: "0-last", value: "last" }]);
    committed.set("0-last", "last");
    values.add("last");
    const isCompacted = async () => {
      const read = await readAll("read_committed", FETCH_BYTES[1]!);
      expect(read.filter(({ value }) => !values.has(value))).toEqual([]);
      expect(latest(read)).toEqual(committed);
      return (await readAll("read_uncommitted", FETCH_BYTES[2]!)).length < total / 2;
    };
    await expect.poll(isCompacted, { timeout: 15_000 }).toBe(true);
    for (const fetchBytes of FETCH_BYTES) {
      const read = await readAll("read_committed", fetchBytes);
      expect(read.filter(({ value }) => !values.has(value))).toEqual([]);
      expect(latest(read)).toEqual(committed);
    }
  });
});
