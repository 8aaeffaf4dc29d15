import { ErrorCode, syncGroupApi } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime, seededRandom } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeAssignment } from "./group/consumer-protocol.ts";
import { Consumer, type ConsumerOptions, type ConsumerRecord, type DeadLetterRecord } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { closeAll, settle } from "./test-support/reading.ts";

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
  open = [];
});

afterEach(() => closeAll(runtime, open));

function member(options: Partial<ConsumerOptions> = {}): Consumer {
  const defaults = { groupId: "g", topics: "t", autoOffsetReset: "earliest", autoCommitIntervalMs: 200 } as const;
  const consumer = new Consumer({ ...kafka.clientOptions, ...defaults, ...options });
  open.push(consumer);
  return consumer;
}

/** Appends records with these `key:value` pairs to one partition. */
function append(partition: number, ...pairs: string[]): void {
  const records = pairs.map((pair) => {
    const [key, value] = pair.split(":");
    return { key: key === "" ? null : key!, value: value! };
  });
  kafka.append("t", partition, [], { records });
}

/** A handler whose records are finished by the test, one by one. */
class Gates {
  readonly begun: string[] = [];
  readonly #finish = new Map<string, { done(): void; fail(error: Error): void }>();

  handle = (record: ConsumerRecord): Promise<void> => {
    this.begun.push(record.value!);
    return new Promise((resolve, reject) => this.#finish.set(record.value!, { done: resolve, fail: reject }));
  };

  async finish(...values: string[]): Promise<void> {
    for (const value of values) this.#finish.get(value)!.done();
    await runtime.advance(10);
  }

  async fail(value: string): Promise<void> {
    this.#finish.get(value)!.fail(new Error(`${value} is bad`));
    await runtime.advance(10);
  }
}

const quiet = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => {});
  return promise;
};
const pause = (ms: number) => new Promise<void>((resolve) => runtime.timers.schedule(ms, resolve));

describe("order", () => {
  test("by partition: one record of each at a time", async () => {
    append(0, "a:0a", "b:0b");
    append(1, "a:1a", "b:1b");
    const gates = new Gates();
    const running = member().run({ concurrency: 16 }, gates.handle);
    await runtime.advance(500);
    expect(gates.begun.sort()).toEqual(["0a", "1a"]);
    await gates.finish("1a");
    expect(gates.begun.at(-1)).toBe("1b");
    await gates.finish("0a");
    expect(gates.begun.at(-1)).toBe("0b");
    await settle(runtime, open[0]!.close());
    await gates.finish("0b", "1b");
    await settle(runtime, running);
  });

  test("by key: records with the same key one after another, those without a key at will", async () => {
    append(0, "k:1", "j:2", "k:3", ":4", ":5", "j:6");
    const gates = new Gates();
    const running = member().run({ concurrency: 16, orderBy: "key" }, gates.handle);
    await runtime.advance(500);
    expect(gates.begun).toEqual(["1", "2", "4", "5"]);
    await gates.finish("2");
    expect(gates.begun.at(-1)).toBe("6");
    await gates.finish("1");
    expect(gates.begun.at(-1)).toBe("3");
    await settle(runtime, open[0]!.close());
    await gates.finish("3", "4", "5", "6");
    await settle(runtime, running);
  });

  test("no more handlers than allowed are at work", async () => {
    append(0, ...Array.from({ length: 50 }, (_, index) => `k${index}:${index}`));
    let working = 0;
    let most = 0;
    let handled = 0;
    const consumer = member();
    const running = consumer.run({ concurrency: 3, orderBy: "key" }, async () => {
      most = Math.max(most, ++working);
      await pause(5);
      working--;
      handled++;
    });
    await runtime.advance(2_000);
    expect([most, handled]).toEqual([3, 50]);
    expect(kafka.committed.get("t:0")).toBe(50);
    await settle(runtime, consumer.close());
    await settle(runtime, running);
  });
});

describe("commits", () => {
  test("never go past an unfinished record", async () => {
    append(0, "a:0", "b:1", "c:2", "d:3");
    const gates = new Gates();
    const consumer = member();
    const running = consumer.run({ concurrency: 4, orderBy: "key" }, gates.handle);
    await runtime.advance(500);
    await gates.finish("1", "3");
    await runtime.advance(500);
    expect(kafka.committed.get("t:0")).toBe(0);
    await gates.finish("0");
    await runtime.advance(500);
    expect(kafka.committed.get("t:0")).toBe(2);
    await settle(runtime, consumer.commit());
    expect(kafka.committed.get("t:0")).toBe(2);
    await gates.finish("2");
    await runtime.advance(500);
    expect(kafka.committed.get("t:0")).toBe(4);
    await settle(runtime, consumer.close());
    await settle(runtime, running);
  });

  test("hold under any schedule of handlers, seeks back and failures, and nothing is left out", async () => {
    const random = seededRandom(11);
    const finished = new Set<string>();
    const total = 300;
    for (let at = 0; at < total; at += 10) {
      append(0, ...Array.from({ length: 10 }, (_, index) => `k${random.nextInt(7)}:${at + index}`));
    }
    const consumer = member();
    let tried = 0;
    const handler = async (record: ConsumerRecord) => {
      const committed = kafka.committed.get("t:0") ?? 0;
      for (let offset = 0; offset < committed; offset++) expect(finished.has(String(offset))).toBe(true);
      await pause(random.nextInt(30));
      if (random.nextInt(20) === 0 && tried++ < 20) throw new Error("now and then");
      finished.add(record.value!);
    };
    for (let runs = 0; finished.size < total && runs < 40; runs++) {
      const running = quiet(consumer.run({ concurrency: 8, orderBy: "key" }, handler));
      const outcome = running.then(
        () => "over",
        () => "failed",
      );
      await Promise.race([outcome, runtime.advance(20_000)]);
      if (finished.size < total) expect(await outcome).toBe("failed");
    }
    expect(finished.size).toBe(total);
    await runtime.advance(1_000);
    expect(kafka.committed.get("t:0")).toBe(total);
    expect(tried).toBeGreaterThan(5);
  });
});

describe("failures", () => {
  test("end the run, and the record comes again", async () => {
    append(0, "a:0", "b:1", "c:2");
    const gates = new Gates();
    const consumer = member();
    const running = quiet(consumer.run({ concurrency: 2, orderBy: "key" }, gates.handle));
    await runtime.advance(500);
    await gates.fail("0");
    await gates.finish("1");
    await expect(running).rejects.toThrow("0 is bad");
    await runtime.advance(500);
    expect(kafka.committed.get("t:0")).toBe(0);
    const { value } = await settle(runtime, consumer.records().next());
    expect(value.value).toBe("0");
  });

  test("are tried again with a growing wait, then go to the dead-letter topic", async () => {
    append(0, "a:bad", "b:good");
    const letters: DeadLetterRecord[] = [];
    const attempts: [number, number][] = [];
    const consumer = member();
    const running = consumer.run(
      {
        retry: { retries: 3, backoffMs: 100, backoffMaxMs: 250 },
        deadLetter: { topic: "t.dlq", producer: { send: async (letter) => void letters.push(letter) } },
      },
      async ({ value }, { attempt }) => {
        if (value !== "bad") return;
        attempts.push([attempt, runtime.clock.monotonicMs()]);
        throw new TypeError("cannot read it");
      },
    );
    await runtime.advance(2_000);
    expect(attempts.map(([attempt]) => attempt)).toEqual([1, 2, 3, 4]);
    const waits = attempts.slice(1).map(([, atMs], index) => Math.round(atMs - attempts[index]![1]));
    expect(waits).toEqual([100, 200, 250]);
    expect(letters.length).toBe(1);
    const { topic, key, value, headers } = letters[0]!;
    const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);
    expect([topic, text(key), text(value)]).toEqual(["t.dlq", "a", "bad"]);
    expect(new Map(headers as [string, string][])).toEqual(
      new Map([
        ["__ottla.errors.topic", "t"],
        ["__ottla.errors.partition", "0"],
        ["__ottla.errors.offset", "0"],
        ["__ottla.errors.timestamp", "1000"],
        ["__ottla.errors.exception", "TypeError"],
        ["__ottla.errors.message", "cannot read it"],
      ]),
    );
    expect(kafka.committed.get("t:0")).toBe(2);
    await settle(runtime, consumer.close());
    await settle(runtime, running);
  });

  test("end the run whatever it is that was thrown, nothing at all too", async () => {
    append(0, "a:bad");
    const running = quiet(member().run({}, () => Promise.reject()));
    const ended = running.then(
      () => "as if all were well",
      (error) => ({ error }),
    );
    expect(await settle(runtime, ended)).toEqual({ error: undefined });
  });

  test("of the dead-letter producer end the run, with nothing committed", async () => {
    append(0, "a:bad");
    const deadLetter = { topic: "dlq", producer: { send: () => Promise.reject(new Error("no such topic")) } };
    const running = quiet(member().run({ deadLetter }, () => Promise.reject(new Error("bad"))));
    await expect(settle(runtime, running)).rejects.toThrow("no such topic");
    await runtime.advance(500);
    expect(kafka.committed.get("t:0")).toBe(0);
  });

  test("a signal ends the run after the handlers at work", async () => {
    append(0, "a:0", "b:1");
    const gates = new Gates();
    const abort = new AbortController();
    const consumer = member();
    const running = quiet(consumer.run({ signal: abort.signal }, gates.handle));
    await runtime.advance(500);
    abort.abort();
    await gates.finish("0");
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
    const { value } = await settle(runtime, consumer.records().next());
    expect(value.value).toBe("1");
  });

  test.each([
    { options: { concurrency: 0 } },
    { options: { orderBy: "value" as never } },
    { options: { retry: { retries: -1 } } },
  ])("options $options are refused", async ({ options }) => {
    await expect(member().run(options, () => {})).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});

describe("in a group", () => {
  function assignInstead(...partitions: number[]): void {
    kafka.cluster.handle(syncGroupApi, () => ({
      errorCode: ErrorCode.NONE,
      assignment: encodeAssignment({
        partitions: partitions.map((partition) => ({ topic: "t", partition })),
        userData: null,
      }),
    }));
  }

  test("a revocation waits for handlers at work on what moves, drops what is queued, and commits", async () => {
    append(0, "a:0a", "b:0b");
    append(1, "a:1a", "b:1b", "c:1c");
    const gates = new Gates();
    const consumer = member({ partitionAssignors: ["cooperative-sticky"] });
    const running = consumer.run({ concurrency: 4 }, gates.handle);
    await runtime.advance(500);
    assignInstead(0);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    expect(consumer.membershipState).toBe("revoking");
    await gates.finish("1a");
    await runtime.advance(500);
    expect([consumer.membershipState, gates.begun.includes("1b")]).toEqual(["stable", false]);
    expect(kafka.committed.get("t:1")).toBe(1);
    await gates.finish("0a");
    expect(gates.begun.at(-1)).toBe("0b");
    await gates.finish("0b");
    await settle(runtime, consumer.close());
    await settle(runtime, running);
  });

  test("a handler that hangs beside others that do not leaves the group, is told so, and is let back in", async () => {
    append(0, ":hangs");
    append(1, ...Array.from({ length: 100 }, (_, index) => `k:${index}`));
    const gates = new Gates();
    const aborted: string[] = [];
    const consumer = member({ maxPollIntervalMs: 4_000 });
    const running = consumer.run({ concurrency: 2 }, async (record, { signal }) => {
      if (record.value !== "hangs") return await pause(100);
      signal.addEventListener("abort", () => aborted.push(record.value!));
      await gates.handle(record);
    });
    await runtime.advance(7_000);
    expect([consumer.membershipState, aborted]).toEqual(["suspended", ["hangs"]]);
    expect(kafka.leaves.length).toBe(1);
    await gates.finish("hangs");
    await runtime.advance(1_000);
    expect(consumer.membershipState).toBe("stable");
    expect(gates.begun).toEqual(["hangs", "hangs"]);
    await gates.finish("hangs");
    await settle(runtime, consumer.close());
    await settle(runtime, running);
  });
});
