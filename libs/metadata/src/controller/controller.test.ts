import { ErrorCode } from "@ottla/protocol";
import { createSimulatedRuntime, type LogFields, type Logger, seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { FaultyMetadataLog, noFaults } from "../log/faulty-metadata-log.ts";
import { MemoryMetadataStore } from "../log/memory-metadata-log.ts";
import { MetadataFollower } from "../log/metadata-follower.ts";
import type { MetadataLog } from "../log/metadata-log.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { stateWith } from "../test-support/controller-fixture.ts";
import { allocateProducerIds, registerBroker } from "./brokers.ts";
import { Controller } from "./controller.ts";
import { refuse } from "./controller-state.ts";
import { createTopics, USE_DEFAULT } from "./create-topics.ts";

const NO_SNAPSHOTS = Number.POSITIVE_INFINITY;

/** One broker with its controller on a log. */
class Node {
  readonly runtime = createSimulatedRuntime(1);
  readonly follower: MetadataFollower;
  readonly controller: Controller;
  readonly #log: MetadataLog;
  readonly #brokerId: number;

  constructor(
    log: MetadataLog,
    brokerId = 1,
    snapshotIntervalBytes = NO_SNAPSHOTS,
    snapshotIntervalEntries = NO_SNAPSHOTS,
  ) {
    this.#log = log;
    this.#brokerId = brokerId;
    const { runtime } = this;
    this.follower = new MetadataFollower(log, runtime);
    const policy = () => stateWith([]).policy;
    this.controller = new Controller({
      brokerId,
      log,
      follower: this.follower,
      policy,
      runtime,
      snapshotIntervalBytes,
      snapshotIntervalEntries,
    });
  }

  async start(): Promise<this> {
    const { brokerId, incarnationId, directoryId } = { ...NEW_LIFE, brokerId: this.#brokerId };
    await this.#log.liveness.announce({ brokerId, incarnationId, directoryId });
    await this.follower.start();
    return this;
  }

  register() {
    const registration = { ...NEW_LIFE, brokerId: this.#brokerId };
    return this.run(this.controller.submit((state) => registerBroker(state, registration)));
  }

  createTopic(name: string, numPartitions = 1) {
    const topics = [{ name, numPartitions, replicationFactor: USE_DEFAULT, assignments: [], configs: [] }];
    return this.controller.submit((state) => createTopics(state, { topics, validateOnly: false }));
  }

  /** Lets virtual time pass until the promise settles: retries wait for it. */
  async run<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    promise.finally(() => (settled = true)).catch(() => {});
    while (!settled) await this.runtime.advance(50);
    return await promise;
  }
}

const NEW_LIFE = {
  incarnationId: "AAAAAAAAAAAAAAAAAAAAAw",
  directoryId: "AAAAAAAAAAAAAAAAAAAABA",
  endpoints: [],
  features: [],
  rack: null,
  logDirs: [],
  fenced: false,
  cleanShutdown: true,
};

/** Resolves once the broker is announced, however often that fails. */
async function announced(log: MetadataLog): Promise<void> {
  const isDone = () =>
    log.liveness.announce({ brokerId: 1, ...NEW_LIFE }).then(
      () => true,
      () => false,
    );
  while (!(await isDone()));
}

describe("Controller", () => {
  it("answers when this broker's image has the records", async () => {
    const node = await new Node(new MemoryMetadataStore().connect()).start();
    await node.register();
    const { offset, response } = await node.run(node.createTopic("a"));
    expect(response[0]).toMatchObject({ name: "a", errno: ErrorCode.NONE });
    expect(node.follower.image.offset).toBe(offset);
    expect(node.follower.image.topicsByName.has("a")).toBe(true);
  });

  it("decides and appends while this broker has still to act on what was decided before", async () => {
    const store = new MemoryMetadataStore();
    const node = await new Node(store.connect()).start();
    await node.register();
    let open = () => {};
    const logsAreOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    node.follower.addListener(() => logsAreOpen);
    const entriesBefore = store.entries.length;
    const answered: string[] = [];
    const create = (name: string) => node.createTopic(name).then(() => answered.push(name));
    const first = create("a");
    await node.runtime.advance(100);
    const second = create("b");
    const heartbeat = node.controller.submit(({ image }) => ({ records: [], response: image.topicsByName.size }));
    expect((await node.run(heartbeat)).response).toBe(2);
    expect(store.entries.length - entriesBefore).toBe(2);
    expect(answered).toEqual([]);
    open();
    await node.run(Promise.all([first, second]));
    expect(answered).toEqual(["a", "b"]);
  });

  it("answers who may overtake and changes nothing by what is in the log, while an append waits for that", async () => {
    const none = { lostAnswerRate: 0, lostRequestRate: 0, lateRequestRate: 0, staleReadRate: 0, lostHintRate: 0 };
    const faults = { ...none, random: seededRandom(1) };
    const log = new FaultyMetadataLog(new MemoryMetadataStore().connect(), faults);
    const node = await new Node(log).start();
    await node.register();
    faults.lostRequestRate = 1;
    const created = node.createTopic("a");
    await node.runtime.advance(1_000);
    const answered: string[] = [];
    const submit = (name: string, records: readonly NewMetadataRecord[], mayOvertake: boolean) =>
      node.controller
        .submit(({ image }) => ({ records, response: image.topicsByName.size }), { mayOvertake })
        .then(({ response }) => answered.push(`${name} ${response}`));
    const change: NewMetadataRecord = { type: "FeatureLevelRecord", name: "group.version", featureLevel: 1 };
    const waiting = [submit("in its turn", [], false), submit("a change", [change], true)];
    await node.runtime.advance(1_000);
    await submit("ahead", [], true);
    expect(answered).toEqual(["ahead 0"]);
    faults.lostRequestRate = 0;
    await node.run(Promise.all([created, ...waiting]));
    expect(answered.sort()).toEqual(["a change 1", "ahead 0", "in its turn 1"]);
  });

  it("leaves turns of the event loop to others while it decides much, and while that is replayed", async () => {
    const node = await new Node(new MemoryMetadataStore().connect()).start();
    await node.register();
    let isDone = false;
    const created = node.createTopic("large", 5_000).finally(() => {
      isDone = true;
    });
    let turns = 0;
    for (; !isDone; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect((await created).response[0]!.errno).toBe(ErrorCode.NONE);
    expect(node.follower.image.topicsByName.get("large")!.partitions).toHaveLength(5_000);
    // Written, applied, read again: in each case a turn for so many records.
    expect(turns).toBeGreaterThan(60);
  });

  it("decides what arrives at once one after another, and appends it together", async () => {
    const store = new MemoryMetadataStore();
    const node = await new Node(store.connect()).start();
    await node.register();
    const entriesBefore = store.entries.length;
    const created = await node.run(Promise.all(["a", "b", "a"].map((name) => node.createTopic(name))));
    expect(created.map(({ response }) => response[0]!.errno)).toEqual([
      ErrorCode.NONE,
      ErrorCode.NONE,
      ErrorCode.TOPIC_ALREADY_EXISTS,
    ]);
    expect(store.entries.length - entriesBefore).toBeLessThanOrEqual(2);
  });

  it("fails an operation that throws and does the others", async () => {
    const node = await new Node(new MemoryMetadataStore().connect()).start();
    await node.register();
    const refused = node.controller.submit(() => {
      throw refuse(ErrorCode.POLICY_VIOLATION, "not today");
    });
    const created = node.createTopic("a");
    await expect(node.run(refused)).rejects.toThrow("not today");
    expect((await node.run(created)).response[0]!.errno).toBe(ErrorCode.NONE);
  });

  it.each<[string, NewMetadataRecord]>([
    ["written", { type: "ProducerIdsRecord", brokerId: 1, brokerEpoch: 0, nextProducerId: Number.NaN }],
    ["replayed", { type: "RemoveTopicRecord", topicId: "AAAAAAAAAAAAAAAAAAAAEQ" }],
  ])("fails an operation whose records cannot be %s, keeps nothing of it, and does the others", async (_, record) => {
    const node = await new Node(new MemoryMetadataStore().connect()).start();
    await node.register();
    const first = node.createTopic("a");
    const broken = node.controller.submit(() => ({ records: [record], response: null }));
    const last = node.createTopic("b");
    await expect(node.run(broken)).rejects.toThrow();
    for (const created of [first, last]) expect((await node.run(created)).response[0]!.errno).toBe(ErrorCode.NONE);
  });

  it("does everything exactly once over a log that fails in every way", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const store = new MemoryMetadataStore();
      const faults = {
        lostAnswerRate: 0.2,
        lostRequestRate: 0.2,
        lateRequestRate: 0.2,
        staleReadRate: 0.3,
        lostHintRate: 0.5,
      };
      const log = new FaultyMetadataLog(store.connect(), { random: seededRandom(seed), ...faults });
      const node = await new Node(log).start();
      const { response } = await node.register();
      const blocks: number[] = [];
      for (let i = 0; i < 10; i++) {
        const owner = { brokerId: 1, brokerEpoch: response.brokerEpoch };
        const allocated = await node.run(node.controller.submit((state) => allocateProducerIds(state, owner)));
        blocks.push(allocated.response.firstProducerId);
      }
      expect(blocks, `seed ${seed}`).toEqual(Array.from({ length: 10 }, (_, i) => i * 1000));
      expect(node.follower.image.nextProducerId, `seed ${seed}`).toBe(10_000);
      expect(store.endOffset, `seed ${seed}`).toBe(11);
    }
  });

  it("gives no id twice, and nothing is lost, where all other calls of the log take long or fail too", async () => {
    const total = noFaults();
    for (let seed = 1; seed <= 20; seed++) {
      const store = new MemoryMetadataStore();
      const original = store.connect();
      const faults = { lostAnswerRate: 0.1, lostRequestRate: 0.1, lateRequestRate: 0.1, staleReadRate: 0.2 };
      const others = { lostHintRate: 0.5, slowCallRate: 0, failedCallRate: 0 };
      const options = { random: seededRandom(seed), ...faults, ...others };
      const log = new FaultyMetadataLog(original, options);
      const node = await new Node(log, 1, 200).start();
      const { response } = await node.register();
      Object.assign(options, { slowCallRate: 0.2, failedCallRate: 0.05 });
      const owner = { brokerId: 1, brokerEpoch: response.brokerEpoch };
      const ids: number[] = [];
      for (let i = 0; i < 20; i++) {
        const allocation = node.controller.submit((state) => allocateProducerIds(state, owner));
        // Whether what failed is in the log is not known, as it is with every error of a connection.
        await node.run(allocation).then(
          ({ response: block }) => ids.push(block.firstProducerId),
          () => {},
        );
        if (i % 7 < 6) continue;
        original.expireSession();
        await node.run(announced(log));
      }
      expect(ids.length, `seed ${seed}`).toBeGreaterThan(3);
      expect(ids, `seed ${seed}`).toEqual([...new Set(ids)].sort((a, b) => a - b));
      const newcomer = new MetadataFollower(store.connect(), node.runtime);
      await newcomer.start();
      expect(newcomer.image.nextProducerId, `seed ${seed}`).toBeGreaterThanOrEqual(ids.at(-1)! + 1000);
      Object.assign(options, { failedCallRate: 0, staleReadRate: 0 });
      await node.run(node.follower.catchUpTo(newcomer.image.offset));
      expect(node.follower.image.nextProducerId, `seed ${seed}`).toBe(newcomer.image.nextProducerId);
      expect(store.snapshot, `seed ${seed}`).not.toBeNull();
      for (const kind of Object.keys(total) as (keyof typeof total)[]) total[kind] += log.faults[kind];
    }
    for (const [kind, count] of Object.entries(total)) expect(count, kind).toBeGreaterThan(0);
  });

  it("takes over where another controller stopped, with all that it had done", async () => {
    const store = new MemoryMetadataStore();
    const firstLog = store.connect();
    const first = await new Node(firstLog, 1).start();
    await first.register();
    await first.run(first.createTopic("a"));
    const second = await new Node(store.connect(), 2).start();
    await expect(second.run(second.createTopic("b"))).rejects.toMatchObject({ code: "NOT_CONTROLLER" });
    firstLog.expireSession();
    await second.register();
    expect((await second.run(second.createTopic("a"))).response[0]!.errno).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
    await expect(first.run(first.createTopic("c"))).rejects.toMatchObject({ code: "NOT_CONTROLLER" });
    expect([...second.follower.image.topicsByName.keys()]).toEqual(["a"]);
  });

  it("takes snapshots, from which a new broker loads the same image", async () => {
    const store = new MemoryMetadataStore();
    const node = await new Node(store.connect(), 1, 500).start();
    await node.register();
    for (let i = 0; i < 30; i++) await node.run(node.createTopic(`topic-${i}`));
    expect(store.snapshot).not.toBeNull();
    expect(store.logStartOffset).toBeGreaterThan(0);
    const newcomer = new MetadataFollower(store.connect(), node.runtime);
    await newcomer.start();
    expect(newcomer.image.offset).toBe(node.follower.image.offset);
    expect(new Map(newcomer.image.topicsByName)).toEqual(new Map(node.follower.image.topicsByName));
  });

  it("decides on while a snapshot is taken, and takes one at a time", async () => {
    const store = new MemoryMetadataStore();
    const log = store.connect();
    const storeSnapshot = log.storeSnapshot.bind(log);
    let taken = 0;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    log.storeSnapshot = async (snapshot) => {
      taken++;
      await held;
      await storeSnapshot(snapshot);
    };
    const node = await new Node(log, 1, 1).start();
    await node.register();
    for (const name of ["a", "b"]) await node.run(node.createTopic(name));
    expect([taken, store.snapshot]).toEqual([1, null]);
    letGo();
    await node.run(node.createTopic("c"));
    await node.run(node.createTopic("d"));
    expect(taken).toBeGreaterThan(1);
    await node.run(node.controller.close());
    expect(store.snapshot).not.toBeNull();
  });

  it("takes a snapshot after so many entries, however small, whoever has appended them", async () => {
    const store = new MemoryMetadataStore();
    const entriesMax = 20;
    for (let brokerId = 1; store.snapshot === null; brokerId++) {
      const node = await new Node(store.connect(), brokerId, NO_SNAPSHOTS, entriesMax).start();
      await node.register();
      for (let i = 0; i < 3; i++) await node.run(node.createTopic(`topic-${brokerId}-${i}`));
      await node.run(node.controller.close());
      expect(store.entries.length, "entries without a snapshot").toBeLessThan(entriesMax);
    }
    const newcomer = new MetadataFollower(store.connect(), createSimulatedRuntime(1));
    await newcomer.start();
    expect(newcomer.image.offset).toBe(store.endOffset - 1);
  });

  it("refuses what comes while it closes, and gives up its office", async () => {
    const store = new MemoryMetadataStore();
    const node = await new Node(store.connect()).start();
    await node.register();
    await node.run(node.controller.close());
    await expect(node.createTopic("a")).rejects.toMatchObject({ code: "NOT_CONTROLLER" });
    expect(store.controller).toBeNull();
  });

  it("refuses an operation of which no append can hold one record, and goes on", async () => {
    const node = await new Node(smallAppends(1000)).start();
    await node.register();
    const value = "x".repeat(1000);
    const record = { type: "ConfigRecord", resourceType: 2, resourceName: "a", name: "retention.ms", value } as const;
    const wide = node.controller.submit(() => ({ records: [record], response: null }));
    const narrow = node.createTopic("narrow");
    await expect(node.run(wide)).rejects.toMatchObject({ errno: ErrorCode.POLICY_VIOLATION });
    expect((await node.run(narrow)).response[0]).toMatchObject({ errno: ErrorCode.NONE });
  });

  describe("an operation that takes several appends", () => {
    const partitionsOf = (follower: MetadataFollower) => follower.image.topicsByName.get("wide")?.partitions.length;

    it("is seen as a whole or not at all: 10,000 partitions in one request", async () => {
      const store = new MemoryMetadataStore();
      const node = await new Node(store.connect(), 1, 1_000).start();
      await node.register();
      const seen: (number | undefined)[] = [];
      const other = new MetadataFollower(store.connect(), node.runtime);
      other.addListener((_, next) => void seen.push(next.topicsByName.get("wide")?.partitions.length));
      await other.start();
      const { response, offset } = await node.run(node.createTopic("wide", 10_000));
      expect(response[0]).toMatchObject({ errno: ErrorCode.NONE, numPartitions: 10_000 });
      expect(store.endOffset - 1, "the topic, its partitions, a beginning and an end").toBe(offset);
      await other.catchUp();
      expect(new Set(seen)).toEqual(new Set([undefined, 10_000]));
      const newcomer = new MetadataFollower(store.connect(), node.runtime);
      await newcomer.start();
      expect([store.snapshot?.endOffset, partitionsOf(newcomer)]).toEqual([offset + 1, 10_000]);
    });

    /** Two controllers on one log, the first of which loses the office after its first append for `wide`. */
    async function brokenOff() {
      const store = new MemoryMetadataStore();
      const log = Object.assign(store.connect(), { appendBytesMax: 1_000 });
      const first = await new Node(log, 1).start();
      await first.register();
      const second = await new Node(Object.assign(store.connect(), { appendBytesMax: 1_000 }), 2).start();
      const append = log.append.bind(log);
      let appends = 0;
      log.append = (batch) => {
        if (appends++ === 1) log.expireSession();
        return append(batch);
      };
      const { endOffset } = store;
      await expect(first.run(first.createTopic("wide", 100))).rejects.toMatchObject({ code: "NOT_CONTROLLER" });
      expect(store.endOffset, "something of it is in the log").toBeGreaterThan(endOffset);
      return { store, first, second };
    }

    it("is void where the controller did not come to its end", async () => {
      const { store, first, second } = await brokenOff();
      await second.follower.catchUp();
      expect([partitionsOf(second.follower), second.follower.isInTransaction]).toEqual([undefined, true]);
      await second.register();
      expect(second.follower.isInTransaction).toBe(false);
      expect((await second.run(second.createTopic("wide", 50))).response[0]).toMatchObject({ errno: ErrorCode.NONE });
      await first.follower.catchUp();
      const newcomer = new MetadataFollower(store.connect(), first.runtime);
      await newcomer.start();
      expect([first, second].map(({ follower }) => partitionsOf(follower))).toEqual([50, 50]);
      expect(partitionsOf(newcomer)).toBe(50);
    });

    it("does not hold up a broker that starts on a log that ends within it", async () => {
      const { store } = await brokenOff();
      const third = await new Node(store.connect(), 3).start();
      await third.follower.catchUpTo((await store.connect().head()).endOffset - 1);
      expect(partitionsOf(third.follower)).toBeUndefined();
      await third.register();
      expect((await third.run(third.createTopic("wide"))).response[0]).toMatchObject({ errno: ErrorCode.NONE });
    });

    it("is done exactly once over a log that fails in every way", async () => {
      for (let seed = 1; seed <= 10; seed++) {
        const store = new MemoryMetadataStore();
        const faults = { lostAnswerRate: 0.2, lostRequestRate: 0.2, lateRequestRate: 0.2 };
        const random = seededRandom(seed);
        const log = new FaultyMetadataLog(store.connect(), {
          random,
          ...faults,
          staleReadRate: 0.3,
          lostHintRate: 0.5,
        });
        Object.defineProperty(log, "appendBytesMax", { value: 1_000 });
        const node = await new Node(log).start();
        await node.register();
        const { response } = await node.run(node.createTopic("wide", 60));
        expect(response[0], `seed ${seed}`).toMatchObject({ errno: ErrorCode.NONE });
        expect([partitionsOf(node.follower), store.endOffset], `seed ${seed}`).toEqual([60, 1 + 60 + 3]);
      }
    });
  });

  it("spreads operations that came together over as many appends as they need", async () => {
    const log = smallAppends(1000);
    const node = await new Node(log).start();
    await node.register();
    const sizes: number[] = [];
    const append = log.append.bind(log);
    log.append = (batch) => {
      sizes.push(batch.records.length);
      return append(batch);
    };
    const names = Array.from({ length: 20 }, (_, index) => `topic-${index}`);
    const created = await node.run(Promise.all(names.map((name) => node.createTopic(name))));
    expect(created.map(({ response }) => response[0]!.errno)).toEqual(names.map(() => ErrorCode.NONE));
    expect([...node.follower.image.topicsByName.keys()].sort()).toEqual([...names].sort());
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(2 * names.length);
  });
});

/** A log whose appends hold little. */
function smallAppends(appendBytesMax: number): MetadataLog {
  return Object.assign(new MemoryMetadataStore().connect(), { appendBytesMax });
}

describe("MetadataFollower", () => {
  it("shows an image only after its listeners have taken it", async () => {
    const node = new Node(new MemoryMetadataStore().connect());
    const seen: string[] = [];
    node.follower.addListener(async (previous, next) => {
      await node.runtime.settle();
      seen.push(`${previous.offset}>${next.offset} while ${node.follower.image.offset}`);
    });
    await node.start();
    await node.register();
    await node.run(node.createTopic("a"));
    expect(seen).toEqual(["-1>0 while -1", "0>2 while 0"]);
  });

  it("says once that the log cannot be read, and again when it is for another reason", async () => {
    const lines: string[] = [];
    const say = (message: string, fields?: LogFields) => void lines.push(`${message} ${fields?.err ?? ""}`.trim());
    const logger: Logger = { error: say, warn: say, info: say, debug() {}, debugEnabled: false, child: () => logger };
    const runtime = createSimulatedRuntime(1, { logger });
    const log = new MemoryMetadataStore().connect();
    const follower = new MetadataFollower(log, runtime);
    await follower.start();
    const { read } = log;
    for (const reason of ["rubbish", "rubbish", "other rubbish"]) {
      log.read = () => Promise.reject(new Error(reason));
      for (let second = 0; second < 5; second++) await runtime.advance(1000);
    }
    log.read = read;
    for (let second = 0; second < 5; second++) await runtime.advance(1000);
    follower.stop();
    expect(lines).toEqual([
      "the metadata log cannot be followed Error: rubbish",
      "the metadata log cannot be followed Error: other rubbish",
      "the metadata log can be followed again",
    ]);
  });

  it("fails those who wait when the log cannot be read", async () => {
    const log = new MemoryMetadataStore().connect();
    const follower = new MetadataFollower(log, createSimulatedRuntime(1));
    await follower.start();
    const waiting = follower.waitFor(5);
    log.read = () => Promise.reject(new Error("the disk is gone"));
    await expect(follower.catchUp()).rejects.toThrow("the disk is gone");
    await expect(waiting).rejects.toThrow("the disk is gone");
  });
});
