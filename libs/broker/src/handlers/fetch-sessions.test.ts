import { deleteRecordsApi, ErrorCode, fetchApi, type RequestInput } from "@ottla/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchOf, TestBroker } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";

type FetchInput = RequestInput<typeof fetchApi>;

let test: TestBroker;
beforeEach(async () => {
  test = await TestBroker.start({ config: { "max.incremental.fetch.session.cache.slots": 2 } });
  await test.createTopic("orders", 3);
});
afterEach(() => test[Symbol.asyncDispose]());

const wanted = (partition: number, fetchOffset = 0) => ({ partition, fetchOffset, partitionMaxBytes: 1_000_000 });

interface Session {
  readonly sessionId: number;
  readonly sessionEpoch: number;
}

const NEW: Session = { sessionId: 0, sessionEpoch: 0 };
const CLOSED = -1;

async function fetch(
  session: Session,
  partitions: readonly ReturnType<typeof wanted>[] = [],
  more: Partial<FetchInput> = {},
  client: TestClient = test.client,
  version = 12,
) {
  const topics = partitions.length === 0 ? [] : [{ topic: "orders", partitions }];
  const response = await client.send(fetchApi, version, { maxWaitMs: 0, minBytes: 1, ...session, topics, ...more });
  const told = response.responses.flatMap((topic) => topic.partitions);
  return {
    errorCode: response.errorCode,
    sessionId: response.sessionId,
    partitions: told.map(({ partitionIndex }) => partitionIndex),
    records: told.map(({ records }) => records?.length ?? 0),
    errors: told.map(({ errorCode }) => errorCode),
  };
}

/** Opens a session and gives its id. */
async function open(partitions: readonly ReturnType<typeof wanted>[] = [0, 1, 2].map((index) => wanted(index))) {
  const { sessionId, errorCode } = await fetch(NEW, partitions);
  expect(errorCode).toBe(ErrorCode.NONE);
  return sessionId;
}

const produce = (partition: number, ...values: string[]) => test.produce("orders", partition, batchOf(...values));

describe("fetch sessions", () => {
  it("tell everything at first, and then what changed", async () => {
    const first = await fetch(NEW, [wanted(0), wanted(1), wanted(2)]);
    expect(first).toMatchObject({ errorCode: ErrorCode.NONE, partitions: [0, 1, 2] });
    expect(first.sessionId).toBeGreaterThan(0);
    const { sessionId } = first;
    expect(await fetch({ sessionId, sessionEpoch: 1 })).toMatchObject({ sessionId, partitions: [] });
    await produce(1, "a");
    const second = await fetch({ sessionId, sessionEpoch: 2 });
    expect(second).toMatchObject({ sessionId, partitions: [1], records: [batchOf("a").length] });
    // The client says what it has now; nothing else is new.
    expect((await fetch({ sessionId, sessionEpoch: 3 }, [wanted(1, 1)])).partitions).toEqual([]);
  });

  it("wait as long as there is no news that a fetch waits for", async () => {
    const sessionId = await open();
    const pending = fetch({ sessionId, sessionEpoch: 1 }, [], { maxWaitMs: 10_000 });
    await test.runtime.advance(100);
    await test.produceOn(test.connect(), "orders", 2, batchOf("late"));
    expect(await pending).toMatchObject({ partitions: [2], errorCode: ErrorCode.NONE });
  });

  it("tell of a log start offset that moved, and of errors each time", async () => {
    await produce(0, "a", "b");
    const sessionId = await open([wanted(0, 2), wanted(1)]);
    await test.broker.services.partitions.get("orders", 0)!.log.advanceLogStartOffset(1);
    expect((await fetch({ sessionId, sessionEpoch: 1 })).partitions).toEqual([0]);
    const outOfRange = { partitions: [1], errors: [ErrorCode.OFFSET_OUT_OF_RANGE] };
    expect(await fetch({ sessionId, sessionEpoch: 2 }, [wanted(1, 99)])).toMatchObject(outOfRange);
    expect(await fetch({ sessionId, sessionEpoch: 3 })).toMatchObject(outOfRange);
    expect(await fetch({ sessionId, sessionEpoch: 4 }, [wanted(1, 0)])).toMatchObject({ partitions: [1], errors: [0] });
  });

  it("take partitions in and forget them; one that is empty ends", async () => {
    const sessionId = await open([wanted(0)]);
    expect((await fetch({ sessionId, sessionEpoch: 1 }, [wanted(1)])).partitions).toEqual([1]);
    await Promise.all([produce(0, "a"), produce(1, "b")]);
    const forgottenTopicsData = [{ topic: "orders", partitions: [0] }];
    expect((await fetch({ sessionId, sessionEpoch: 2 }, [], { forgottenTopicsData })).partitions).toEqual([1]);
    const rest = [{ topic: "orders", partitions: [1, 2] }];
    expect(await fetch({ sessionId, sessionEpoch: 3 }, [], { forgottenTopicsData: rest })).toMatchObject({
      errorCode: ErrorCode.NONE,
      sessionId: 0,
    });
    expect(test.broker.services.fetchSessions).toMatchObject({ size: 0, partitionsCount: 0 });
  });

  it("give every partition its turn: one that had records is read last the next time", async () => {
    for (const partition of [0, 1, 2]) await produce(partition, "x".repeat(100), "y");
    const one = { maxBytes: 1 };
    const first = await fetch(NEW, [wanted(0), wanted(1), wanted(2)], one);
    expect(first.records.map((size) => size > 0)).toEqual([true, false, false]);
    const { sessionId } = first;
    expect((await fetch({ sessionId, sessionEpoch: 1 }, [], one)).partitions).toEqual([1]);
    expect((await fetch({ sessionId, sessionEpoch: 2 }, [], one)).partitions).toEqual([2]);
    expect((await fetch({ sessionId, sessionEpoch: 3 }, [], one)).partitions).toEqual([0]);
  });

  it.each([
    ["a session that is not there", 7, 3, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    ["an epoch without a session", 0, 3, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    ["no session at all", 0, CLOSED, ErrorCode.NONE],
    ["the end of one that is not there", 7, CLOSED, ErrorCode.NONE],
  ])("%s", async (_, sessionId, sessionEpoch, errorCode) => {
    expect(await fetch({ sessionId, sessionEpoch }, [wanted(0)])).toMatchObject({ errorCode, sessionId: 0 });
  });

  it("refuse an epoch that is not the next, and go on with the one that is", async () => {
    const sessionId = await open();
    expect((await fetch({ sessionId, sessionEpoch: 2 })).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect((await fetch({ sessionId, sessionEpoch: 1 })).errorCode).toBe(ErrorCode.NONE);
    expect((await fetch({ sessionId, sessionEpoch: 1 })).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  });

  it("refuse a client that changes between names and ids of topics", async () => {
    const sessionId = await open();
    const response = fetch({ sessionId, sessionEpoch: 1 }, [], {}, test.client, 13);
    expect((await response).errorCode).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
  });

  it("work by topic ids, and learn of a topic that was deleted", async () => {
    const topicId = await test.createTopic("payments");
    const topics = [{ topicId, partitions: [wanted(0)] }];
    const first = await test.client.send(fetchApi, 13, { maxWaitMs: 0, minBytes: 1, ...NEW, topics });
    const next = (sessionEpoch: number) =>
      test.client.send(fetchApi, 13, {
        maxWaitMs: 0,
        minBytes: 1,
        sessionId: first.sessionId,
        sessionEpoch,
        topics: [],
      });
    await test.produce("payments", 0, batchOf("a"));
    expect((await next(1)).responses).toMatchObject([{ topicId, partitions: [{ errorCode: 0, highWatermark: 1 }] }]);
    await test.deleteTopic("payments");
    const gone = [{ topicId, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] }];
    expect((await next(2)).responses).toMatchObject(gone);
  });

  it("answer a fetch that was overtaken by the next of its session with an error", async () => {
    const sessionId = await open();
    const slow = fetch({ sessionId, sessionEpoch: 1 }, [], { maxWaitMs: 1000 });
    const fast = fetch({ sessionId, sessionEpoch: 2 }, [], {}, test.connect());
    expect((await fast).errorCode).toBe(ErrorCode.NONE);
    await test.runtime.advance(1100);
    expect(await slow).toMatchObject({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId });
  });

  describe("that have waited in vain", () => {
    let sessionId: number;
    /** Waits a while, and is answered with nothing. */
    async function waitInVain(sessionEpoch: number): Promise<void> {
      const pending = fetch({ sessionId, sessionEpoch }, [], { maxWaitMs: 500 });
      await test.runtime.advance(700);
      expect(await pending).toMatchObject({ errorCode: ErrorCode.NONE, sessionId, partitions: [] });
    }

    beforeEach(async () => {
      sessionId = await open();
      for (const epoch of [1, 2, 3]) await waitInVain(epoch);
      expect(test.broker.services.purgatory.size).toBe(0);
    });

    it("are answered at once with what comes", async () => {
      const pending = fetch({ sessionId, sessionEpoch: 4 }, [], { maxWaitMs: 60_000 });
      await test.produce("orders", 1, batchOf("a"));
      expect(await pending).toMatchObject({ sessionId, partitions: [1], records: [batchOf("a").length] });
    });

    it("find what came between two fetches", async () => {
      await test.produce("orders", 1, batchOf("a"));
      expect(await fetch({ sessionId, sessionEpoch: 4 }, [], { maxWaitMs: 500 })).toMatchObject({ partitions: [1] });
    });

    it("go on waiting while other partitions move", async () => {
      await test.createTopic("others", 1);
      for (const epoch of [4, 5]) {
        await test.produce("others", 0, batchOf("a"));
        await waitInVain(epoch);
      }
    });

    it("wait with two fetches at a time, of which the first is answered with an error", async () => {
      const slow = fetch({ sessionId, sessionEpoch: 4 }, [], { maxWaitMs: 500 });
      const fast = fetch({ sessionId, sessionEpoch: 5 }, [], { maxWaitMs: 500 }, test.connect());
      await test.runtime.advance(700);
      expect((await slow).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
      expect(await fast).toMatchObject({ errorCode: ErrorCode.NONE, partitions: [] });
    });

    it("wait no more once their client has gone", async () => {
      const client = test.connect();
      const pending = fetch({ sessionId, sessionEpoch: 4 }, [], { maxWaitMs: 60_000 }, client);
      await test.runtime.advance(1);
      expect(test.broker.services.purgatory.size).toBe(1);
      client.close();
      await expect(pending).rejects.toThrow();
      await test.runtime.advance(1);
      expect(test.broker.services.purgatory.size).toBe(0);
    });
  });

  it("end when their client says so, or asks for a new one", async () => {
    const first = await open();
    await fetch({ sessionId: first, sessionEpoch: CLOSED });
    expect(test.broker.services.fetchSessions.size).toBe(0);
    const second = await open();
    await fetch({ sessionId: second, sessionEpoch: 0 }, [wanted(0)]);
    expect(test.broker.services.fetchSessions).toMatchObject({ size: 1, partitionsCount: 1 });
  });
});

describe("the cache of fetch sessions", () => {
  const MINUTES_MS = 60_000;
  const isThere = async (sessionId: number, sessionEpoch: number) =>
    (await fetch({ sessionId, sessionEpoch })).errorCode === ErrorCode.NONE;

  it("declines when it is full of sessions that are in use", async () => {
    const [first, second] = [await open(), await open()];
    expect(await open()).toBe(0);
    expect(await isThere(first, 1)).toBe(true);
    expect(await isThere(second, 1)).toBe(true);
  });

  it("gives up a session that nobody used for two minutes", async () => {
    const idle = await open();
    await test.runtime.advance(MINUTES_MS);
    const busy = await open();
    await test.runtime.advance(1.1 * MINUTES_MS);
    expect(await open()).toBeGreaterThan(0);
    expect(await isThere(idle, 1)).toBe(false);
    expect(await isThere(busy, 1)).toBe(true);
  });

  it("gives up a smaller session that has had its time for a larger one", async () => {
    const [small, large] = [await open([wanted(0)]), await open()];
    for (let epoch = 1; epoch <= 3; epoch++) {
      await test.runtime.advance(MINUTES_MS);
      for (const sessionId of [small, large]) expect(await isThere(sessionId, epoch)).toBe(true);
    }
    expect(await open([wanted(0)])).toBe(0);
    expect(await open([wanted(0), wanted(1)])).toBeGreaterThan(0);
    expect(await isThere(small, 4)).toBe(false);
    expect(await isThere(large, 4)).toBe(true);
  });

  it("gives followers the place of consumers, and not the other way round", async () => {
    const asFollower = { replicaId: 2 };
    await open();
    const consumer = await open([wanted(0)]);
    const follower = await fetch(NEW, [wanted(0)], asFollower);
    expect(follower.sessionId).toBeGreaterThan(0);
    expect(await isThere(consumer, 1)).toBe(false);
    expect(await open()).toBe(0);
  });

  it("keeps none where there are no slots", async () => {
    await test[Symbol.asyncDispose]();
    test = await TestBroker.start({ config: { "max.incremental.fetch.session.cache.slots": 0 } });
    await test.createTopic("orders", 3);
    expect(await open()).toBe(0);
  });
});

async function deleteRecords(partitionIndex: number, offset: number): Promise<void> {
  const topics = [{ name: "orders", partitions: [{ partitionIndex, offset }] }];
  await test.client.send(deleteRecordsApi, 2, { topics, timeoutMs: 1_000 });
}

describe("sessions at rest", () => {
  /** The fetch after the last one; `waitedMs` go by before its answer is looked at. */
  function poll(session: { sessionId: number; sessionEpoch: number }, waitedMs = 50) {
    return async (...partitions: ReturnType<typeof wanted>[]) => {
      const answer = fetch({ ...session }, partitions, { maxWaitMs: 20 });
      session.sessionEpoch++;
      await test.runtime.advance(waitedMs);
      return await answer;
    };
  }

  it("hear of what comes after fetches that waited in vain, at once", async () => {
    const session = { sessionId: await open(), sessionEpoch: 1 };
    const next = poll(session);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) expect(await next()).toMatchObject({ errorCode: ErrorCode.NONE, partitions: [] });
      const waiting = fetch(session, [], { maxWaitMs: 60_000 });
      session.sessionEpoch++;
      await test.runtime.settle();
      await test.produceOn(test.connect(), "orders", round, batchOf("a"));
      expect(await waiting).toMatchObject({ partitions: [round], records: [expect.any(Number)] });
      await next(wanted(round, 1));
    }
  });

  it("hear of a log's new beginning, of other offsets and of the topic's end", async () => {
    await produce(0, "a", "b");
    const next = poll({ sessionId: await open([wanted(0, 2), wanted(1)]), sessionEpoch: 1 });
    for (let i = 0; i < 3; i++) expect(await next()).toMatchObject({ partitions: [] });
    await deleteRecords(0, 1);
    expect(await next()).toMatchObject({ partitions: [0], records: [0] });
    for (let i = 0; i < 3; i++) expect(await next()).toMatchObject({ partitions: [] });
    expect(await next(wanted(0, 1))).toMatchObject({ partitions: [0], records: [expect.any(Number)] });
    for (let i = 0; i < 3; i++)
      expect(await next(...(i === 0 ? [wanted(0, 2)] : []))).toMatchObject({ partitions: [] });
    await test.deleteTopic("orders");
    expect((await next()).errors).toContain(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it("are told by the next answer what one that was overtaken did not tell", async () => {
    await produce(0, "a", "b");
    const session = { sessionId: await open([wanted(0, 2)]), sessionEpoch: 1 };
    const next = poll(session);
    for (let i = 0; i < 3; i++) expect(await next()).toMatchObject({ partitions: [] });
    await deleteRecords(0, 1);
    const overtaken = fetch(session, [], { maxWaitMs: 300 });
    session.sessionEpoch++;
    await test.runtime.settle();
    const overtaking = fetch(session, [], { maxWaitMs: 600 }, test.connect());
    session.sessionEpoch++;
    await test.runtime.advance(400);
    expect(await overtaken).toMatchObject({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH });
    await test.runtime.advance(400);
    expect(await overtaking).toMatchObject({ partitions: [0] });
    expect(await next()).toMatchObject({ partitions: [] });
  });
});
