import { Consumer } from "@ottla/consumer";
import { type ExactlyOnceOptions, exactlyOnce } from "@ottla/exactly-once";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "./faults.ts";
import { seedsOf } from "./simulation/seeds.ts";
import { startTestBroker, type TestBroker } from "./test-broker.ts";

const PARTITIONS = 2;
const INPUTS = 30;
const BATCH = 7;
const { seeds: SEEDS } = seedsOf(6);
/** Of the worker's two clients, which faults are meant for. */
const CLIENT_ID = "worker";
const GROUP = { groupId: "workers", transactionalId: "worker-1" };

let broker: TestBroker;
beforeEach(async () => {
  const config = { "group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1 };
  const topics = ["in", "out"].map((name) => ({ name, partitions: PARTITIONS }));
  broker = await startTestBroker({ topics, config });
});
afterEach(() => broker?.close());

type Handler = (value: string) => string | null | Promise<string | null>;

/** One run of the loop over the topics, and what it was told. */
class Run {
  readonly retried: string[] = [];
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;

  constructor(
    handler: Handler = (value) => value,
    options: Partial<ExactlyOnceOptions<string, string, string, string>> = {},
  ) {
    const fast = { retryBackoffMs: 10, reconnectBackoffMs: 10 };
    this.#loop = exactlyOnce<string | null, string | null>(
      {
        ...{ ...GROUP, bootstrapServers: broker.bootstrapServers, from: "in", to: "out", batch: BATCH },
        signal: this.#end.signal,
        onRetry: ({ code }) => void this.retried.push(code),
        producer: { clientId: CLIENT_ID, ...fast },
        consumer: { clientId: CLIENT_ID, heartbeatIntervalMs: 100, sessionTimeoutMs: 6_000, ...fast },
        ...(options as object),
      },
      async ({ value }) => {
        const result = await handler(value!);
        return result === null ? null : { value: result };
      },
    );
    this.#loop.catch(() => {});
  }

  /** How it ended by itself: null, or what it threw. */
  outcome(): Promise<unknown> {
    return this.#loop.then(
      () => null,
      (error: unknown) => error,
    );
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }
}

const VALUES = Array.from({ length: INPUTS }, (_, index) => `${index}`);

async function sendInputs(values: readonly string[] = VALUES): Promise<void> {
  await broker.produce(
    "in",
    values.map((value, index) => ({ value, partition: index % PARTITIONS })),
  );
}

/** What readers of committed records see in the output when it has so many; sorted. */
async function committed(count: number): Promise<string[]> {
  await using consumer = new Consumer({
    bootstrapServers: broker.bootstrapServers,
    isolationLevel: "read_committed",
    autoOffsetReset: "earliest",
    fetchMaxWaitMs: 50,
  });
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "out", partition }));
  consumer.assign(partitions);
  const values: string[] = [];
  const reading = (async () => {
    for await (const { value } of consumer) values.push(value!);
  })();
  await expect.poll(() => values.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
  // Whatever is there beyond it is there by now: nothing more is written when this is asked.
  const ends = await consumer.endOffsets(partitions);
  await expect
    .poll(async () => {
      const positions = await Promise.all(partitions.map((partition) => consumer.position(partition)));
      return positions.every((position, index) => position === ends[index]!.offset);
    })
    .toBe(true);
  await consumer.close();
  await reading;
  return values.sort();
}

/** Waits until each input is in the output, stops the loop, and holds the output to the inputs. */
async function expectEachOnce(run: Run, values: readonly string[] = VALUES): Promise<void> {
  await committed(values.length);
  await run.stop();
  expect(await committed(values.length)).toEqual([...values].sort());
}

const toWorker = (fault: { readonly api: string; readonly times?: number } & Record<string, unknown>) =>
  ({ clientId: CLIENT_ID, times: 1, ...fault }) as unknown as Fault;

describe("what one failure does to the loop", () => {
  /** `told`: what the user hears, for the transaction is over; null where the clients have tried again by themselves. */
  it.each([
    { api: "InitProducerId", error: "COORDINATOR_LOAD_IN_PROGRESS", told: null },
    { api: "InitProducerId", error: "CONCURRENT_TRANSACTIONS", told: null },
    { api: "InitProducerId", drop: "response", told: null },
    { api: "Produce", error: "NOT_ENOUGH_REPLICAS", told: null },
    { api: "Produce", error: "NOT_LEADER_OR_FOLLOWER", told: null },
    { api: "Produce", drop: "request", told: null },
    { api: "Produce", drop: "response", told: null },
    { api: "Produce", error: "TRANSACTION_ABORTABLE", told: "TRANSACTION_ABORTABLE" },
    { api: "Produce", error: "OUT_OF_ORDER_SEQUENCE_NUMBER", told: "TRANSACTION_ABORTABLE" },
    { api: "Produce", error: "INVALID_PRODUCER_EPOCH", told: "INVALID_PRODUCER_EPOCH" },
    { api: "TxnOffsetCommit", error: "COORDINATOR_LOAD_IN_PROGRESS", told: null },
    { api: "TxnOffsetCommit", error: "NOT_COORDINATOR", told: null },
    { api: "TxnOffsetCommit", drop: "response", told: null },
    { api: "TxnOffsetCommit", error: "ILLEGAL_GENERATION", told: "ILLEGAL_GENERATION" },
    { api: "TxnOffsetCommit", error: "UNKNOWN_MEMBER_ID", told: "UNKNOWN_MEMBER_ID" },
    { api: "TxnOffsetCommit", error: "TRANSACTION_ABORTABLE", told: "TRANSACTION_ABORTABLE" },
    { api: "EndTxn", error: "COORDINATOR_NOT_AVAILABLE", told: null },
    { api: "EndTxn", error: "CONCURRENT_TRANSACTIONS", told: null },
    { api: "EndTxn", drop: "request", told: null },
    { api: "EndTxn", drop: "response", told: null },
    { api: "EndTxn", error: "TRANSACTION_ABORTABLE", told: "TRANSACTION_ABORTABLE" },
    { api: "Fetch", drop: "response", told: null },
    { api: "JoinGroup", error: "REBALANCE_IN_PROGRESS", told: null },
    { api: "OffsetFetch", error: "UNSTABLE_OFFSET_COMMIT", told: null },
  ])("once %o: each input counts once", async ({ told, ...fault }) => {
    await sendInputs();
    const injected = broker.faults.inject(toWorker(fault));
    const run = new Run();
    await expectEachOnce(run);
    expect(injected.hits).toBe(1);
    expect(run.retried).toEqual(told === null ? [] : [told]);
  });

  it.each([
    { api: "EndTxn", error: "PRODUCER_FENCED", code: "PRODUCER_FENCED" },
    { api: "EndTxn", error: "INVALID_PRODUCER_EPOCH", code: "PRODUCER_FENCED" },
    { api: "Produce", error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", code: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" },
    { api: "Produce", error: "TOPIC_AUTHORIZATION_FAILED", code: "TOPIC_AUTHORIZATION_FAILED" },
    { api: "TxnOffsetCommit", error: "GROUP_AUTHORIZATION_FAILED", code: "GROUP_AUTHORIZATION_FAILED" },
    { api: "TxnOffsetCommit", error: "PRODUCER_FENCED", code: "PRODUCER_FENCED" },
  ])("$api: $error ends it with $code; begun again, each input counts once", async ({ api, error, code }) => {
    await sendInputs();
    broker.faults.inject(toWorker({ api, error }));
    const run = new Run();
    expect(await run.outcome()).toMatchObject({ code });
    expect(run.retried).toEqual([]);
    await expectEachOnce(new Run());
  });

  it("the broker is killed in mid-transaction", async () => {
    await sendInputs();
    let handled = 0;
    const run = new Run(async (value) => {
      if (++handled === 10) {
        await broker.kill();
        await broker.restart();
      }
      return value;
    });
    await expectEachOnce(run);
    expect(handled).toBeGreaterThanOrEqual(INPUTS);
  });
});

describe("the handler", () => {
  it.each([
    ["an error of its own", new RangeError("no such price")],
    ["an error that would be tried again if it were the loop's", KafkaError.fromCode(ErrorCode.TRANSACTION_ABORTABLE)],
  ])("throws %s: the loop ends with it, and nothing of the batch is seen", async (_, thrown) => {
    await sendInputs();
    const failing = new Run(
      (value) => {
        if (value === "9") throw thrown;
        return value;
      },
      { batch: INPUTS },
    );
    expect(await failing.outcome()).toBe(thrown);
    expect(failing.retried).toEqual([]);
    expect(await committed(0)).not.toContain("9");
    await expectEachOnce(new Run());
  });

  it.each([
    ["a number", 5],
    ["a truth", true],
    ["a list with a list in it", [[{ value: "v" }]]],
    ["a list with nothing in it", [undefined]],
    ["a Set of records", new Set([{ value: "v" }])],
  ])("gives %s: the loop ends, nothing is sent in its place, and the input comes again", async (_, result) => {
    await sendInputs();
    const { bootstrapServers } = broker;
    const loop = exactlyOnce({ ...GROUP, bootstrapServers, from: "in", to: "out" }, () => result as never);
    await expect(loop).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/^The transform gave .*; it must give a record, a list of records, or nothing\.$/),
    });
    expect(await broker.records("out")).toEqual([]);
    await expectEachOnce(new Run());
  });

  it("may give records of a class whose fields are getters", async () => {
    class Result {
      readonly #value: string;
      constructor(value: string) {
        this.#value = value;
      }
      get value(): string {
        return this.#value;
      }
    }
    await sendInputs();
    const end = new AbortController();
    const { bootstrapServers } = broker;
    const loop = exactlyOnce(
      { ...GROUP, bootstrapServers, from: "in", to: "out", signal: end.signal },
      ({ value }) => new Result(value!),
    );
    expect(await committed(INPUTS)).toEqual([...VALUES].sort());
    end.abort();
    await loop;
  });

  it("may give nothing, or more than one result", async () => {
    await sendInputs();
    const run = new Run((value) => (Number(value) % 3 === 0 ? value : null));
    await expectEachOnce(
      run,
      VALUES.filter((value) => Number(value) % 3 === 0),
    );
  });
});

describe("batches", () => {
  it.each([1, 7, INPUTS, 1_000])("of at most %s records are a transaction each", async (batch) => {
    await sendInputs();
    const ended = broker.faults.inject({ api: "EndTxn", delayMs: 0 });
    const run = new Run((value) => value, { batch });
    await expectEachOnce(run);
    expect(ended.hits).toBeGreaterThanOrEqual(INPUTS / batch);
    if (batch === INPUTS) expect(ended.hits).toBeLessThan(INPUTS);
  });
});

describe("a signal", () => {
  it("ends the loop while a handler hangs; what was in hand comes again", async () => {
    await sendInputs();
    let isHanging = () => {};
    const hangs = new Promise<void>((resolve) => {
      isHanging = resolve;
    });
    const run = new Run((value) => {
      if (value !== "20") return value;
      isHanging();
      return new Promise(() => {});
    });
    await hangs;
    await run.stop();
    expect(await committed(0)).not.toContain("20");
    await expectEachOnce(new Run());
  });
});

describe("several workers", () => {
  it("share the partitions; one that comes in mid-transaction takes over without counting twice", async () => {
    await sendInputs();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isWaiting = () => {};
    const waits = new Promise<void>((resolve) => {
      isWaiting = resolve;
    });
    const first = new Run(async (value) => {
      if (value === "10") {
        isWaiting();
        await released;
      }
      return value;
    });
    await waits;
    const second = new Run((value) => value, { transactionalId: "worker-2" });
    await new Promise((resolve) => setTimeout(resolve, 500));
    release();
    await committed(INPUTS);
    await sendInputs(VALUES.map((value) => `more ${value}`));
    await committed(2 * INPUTS);
    await Promise.all([first.stop(), second.stop()]);
    const all = [...VALUES, ...VALUES.map((value) => `more ${value}`)];
    expect(await committed(all.length)).toEqual(all.sort());
  });

  it("of one id: the younger fences the older off, which ends", async () => {
    await sendInputs();
    let isWaiting = () => {};
    const waits = new Promise<void>((resolve) => {
      isWaiting = resolve;
    });
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const older = new Run(async (value) => {
      isWaiting();
      await released;
      return value;
    });
    await waits;
    const younger = new Run();
    // It has to wait for its share of the partitions: what fences is that it has begun.
    const fenced = older.outcome();
    await expect.poll(async () => (await stateOf(GROUP.transactionalId))?.producerEpoch ?? 0).toBeGreaterThan(0);
    release();
    expect(await fenced).toMatchObject({ code: "PRODUCER_FENCED" });
    await expectEachOnce(younger);
  });

  async function stateOf(transactionalId: string) {
    const admin = await broker.admin();
    return (await admin.describeTransactions([transactionalId]))[0];
  }
});

describe(`faults of all kinds by seed, ${SEEDS.length} of them`, () => {
  const FAULTS: readonly Record<string, unknown>[] = [
    ...["Produce", "TxnOffsetCommit", "EndTxn", "InitProducerId", "Fetch", "Heartbeat", "FindCoordinator"].flatMap(
      (api) => [
        { api, drop: "request" },
        { api, drop: "response" },
        { api, delayMs: 120 },
      ],
    ),
    { api: "Produce", error: "TRANSACTION_ABORTABLE" },
    { api: "TxnOffsetCommit", error: "TRANSACTION_ABORTABLE" },
    { api: "TxnOffsetCommit", error: "ILLEGAL_GENERATION" },
    { api: "EndTxn", error: "CONCURRENT_TRANSACTIONS" },
    { api: "EndTxn", error: "NOT_COORDINATOR" },
    { api: "Heartbeat", error: "REBALANCE_IN_PROGRESS" },
    { api: "OffsetFetch", error: "UNSTABLE_OFFSET_COMMIT" },
  ];

  it.each(SEEDS)("seed %i: each input counts once", async (seed) => {
    const random = seededRandom(seed);
    const workers = ["a", "b"].map((transactionalId) => () => new Run((value) => value, { transactionalId, batch: 3 }));
    let runs = workers.map((start) => start());
    const expected: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let count = 0; count < 3; count++) {
        broker.faults.inject(toWorker(FAULTS[random.nextInt(FAULTS.length)] as { api: string }));
      }
      const values = Array.from({ length: 10 }, (_, index) => `${round}/${index}`);
      await broker.produce(
        "in",
        values.map((value, index) => ({ value, partition: index % PARTITIONS })),
      );
      expected.push(...values);
      if (random.nextInt(3) === 0) {
        const index = random.nextInt(workers.length);
        await runs[index]!.stop();
        runs = runs.with(index, workers[index]!());
      }
    }
    broker.faults.clear();
    await committed(expected.length);
    await Promise.all(runs.map((run) => run.stop()));
    expect(await committed(expected.length)).toEqual(expected.sort());
  });
});
