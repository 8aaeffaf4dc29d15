import {
  addOffsetsToTxnApi,
  ErrorCode,
  findCoordinatorApi,
  listOffsetsApi,
  listTransactionsApi,
  updateFeaturesApi,
  writeTxnMarkersApi,
} from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { copyOf } from "../test-support/disk-copy.ts";
import { DiskGate, FaultyDisk } from "../test-support/faulty-disk.ts";
import { ID, type Identity, TransactionFixture } from "../test-support/transaction-fixture.ts";

const OK = ErrorCode.NONE;

/** Gives the one partition of topic `t` a second replica, in sync, that fetches when it is told to. */
function withFollower(fixture: TransactionFixture) {
  const partition = fixture.test.broker.services.partitions.get("t", 0)!;
  const { image } = partition;
  partition.update({ ...image, replicas: [1, 2], isr: [1, 2], partitionEpoch: image.partitionEpoch + 1 });
  const follower = { brokerId: 2, brokerEpoch: -1, logStartOffset: 0, currentLeaderEpoch: -1 };
  return { partition, followerHas: (fetchOffset: number) => partition.followerFetched({ ...follower, fetchOffset }) };
}

/** More than enough for what is in memory to be read. */
const TURNS_TO_LOAD = 100;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("a transaction of the first generation", () => {
  it.each([true, false])("is visible to read_committed as a whole when it ends (committed: %s)", async (committed) => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 2);
    const identity = await fixture.init();
    expect(identity).toMatchObject({ errorCode: OK, producerEpoch: 0 });
    expect(await fixture.add(identity)).toBe(OK);
    expect(await fixture.produce(identity, "a", 0)).toBe(OK);
    expect(await fixture.produce(identity, "b", 1)).toBe(OK);
    expect(await fixture.fetch(1)).toMatchObject({ highWatermark: 2, lastStableOffset: 0, abortedTransactions: [] });
    await fixture.endWholly(identity, committed);
    expect(await fixture.state()).toBe(committed ? "CompleteCommit" : "CompleteAbort");
    const aborted = committed ? [] : [{ producerId: identity.producerId, firstOffset: 0 }];
    expect(await fixture.fetch(1)).toMatchObject({
      highWatermark: 3,
      lastStableOffset: 3,
      abortedTransactions: aborted,
    });
  });

  it("ends where readers of committed records end: ListOffsets", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.add(identity);
    await fixture.produce(identity, "a", 0);
    const latest = async (isolationLevel: number) => {
      const request = {
        replicaId: -1,
        isolationLevel,
        topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      };
      return (await fixture.client.send(listOffsetsApi, 7, request)).topics[0]!.partitions[0]!.offset;
    };
    expect([await latest(0), await latest(1)]).toEqual([1, 0]);
    await fixture.endWholly(identity, true);
    expect([await latest(0), await latest(1)]).toEqual([2, 2]);
  });

  it("is refused where its partition was never added (KIP-890, part 1)", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 2);
    const identity = await fixture.init();
    await fixture.add(identity, [0]);
    expect(await fixture.produce(identity, "a", 0, 11, 1)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
    expect(await fixture.produce(identity, "a", 0, 9, 1)).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(await fixture.produce(identity, "a", 0, 9, 0)).toBe(OK);
  });

  it("takes no batch that was still being prepared when it ended", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t");
    const identity = await fixture.init();
    expect(await fixture.add(identity)).toBe(OK);
    expect(await fixture.produce(identity, "one", 0)).toBe(OK);
    const { preparation } = fixture.test.broker.services;
    const prepare = preparation.prepare.bind(preparation);
    let finish = () => {};
    const prepared = new Promise<void>((resolve) => {
      finish = resolve;
    });
    preparation.prepare = (records, config) => prepared.then(() => prepare(records, config));
    const late = fixture.produce(identity, "late", 1, 11, 0, fixture.test.connect());
    await fixture.endWholly(identity, false);
    finish();
    expect(await late).toBe(ErrorCode.TRANSACTION_ABORTABLE);
    const { highWatermark, lastStableOffset } = await fixture.fetch(1);
    expect(lastStableOffset).toBe(highWatermark);
  });

  it("commits offsets with its marker, and they are pending until then", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    const request = { transactionalId: ID, producerId: identity.producerId, producerEpoch: identity.producerEpoch };
    const { errorCode } = await fixture.client.send(addOffsetsToTxnApi, 3, { ...request, groupId: "g" });
    expect(errorCode).toBe(OK);
    const { topics } = await fixture.commitOffset(request, 7, 3);
    expect(topics[0]!.partitions[0]!.errorCode).toBe(OK);
    expect((await fixture.committedOffset(true)).errorCode).toBe(ErrorCode.UNSTABLE_OFFSET_COMMIT);
    expect((await fixture.committedOffset()).committedOffset).toBe(-1);
    await fixture.endWholly(identity, true);
    expect((await fixture.committedOffset(true)).committedOffset).toBe(7);
  });

  it("is aborted, and its producer fenced, when it takes too long", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init(5, undefined, 5_000);
    await fixture.add(identity);
    await fixture.produce(identity, "a", 0);
    await fixture.test.runtime.advance(21_000);
    expect(await fixture.settled()).toBe("CompleteAbort");
    expect((await fixture.end(identity, true)).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await fixture.produce(identity, "b", 1)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect((await fixture.fetch(1)).lastStableOffset).toBe(2);
  });
});

describe("a transaction of the second generation (KIP-890)", () => {
  it("begins with its first batch, and ends with a new epoch", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 2);
    const identity = await fixture.init();
    expect(await fixture.produce(identity, "a", 0, 12)).toBe(OK);
    expect(await fixture.produce(identity, "b", 1, 12)).toBe(OK);
    expect(await fixture.describe()).toMatchObject({
      transactionState: "Ongoing",
      topics: [{ topic: "t", partitions: [0] }],
    });
    const next = await fixture.end(identity, true, 5);
    expect(next).toMatchObject({ errorCode: OK, producerId: identity.producerId, producerEpoch: 1 });
    expect(await fixture.settled()).toBe("CompleteCommit");
    expect(await fixture.produce(next, "c", 0, 12)).toBe(OK);
    expect(await fixture.produce(identity, "late", 2, 12)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await fixture.fetch(1)).toMatchObject({ lastStableOffset: 3, highWatermark: 4 });
  });

  it("brings in the offsets' partition by itself", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    await fixture.client.send(findCoordinatorApi, 6, { keyType: 0, coordinatorKeys: ["g"] });
    const identity = await fixture.init();
    expect((await fixture.commitOffset(identity, 9, 5)).topics[0]!.partitions[0]!.errorCode).toBe(OK);
    const next = await fixture.end(identity, true, 5);
    expect(await fixture.settled()).toBe("CompleteCommit");
    expect((await fixture.committedOffset(true)).committedOffset).toBe(9);
    expect((await fixture.end(identity, true, 5)).producerEpoch).toBe(next.producerEpoch);
  });

  it("does not let a delayed EndTxn end the next transaction (KAFKA-17754)", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const first = await fixture.init();
    await fixture.produce(first, "a", 0, 12);
    const second = await fixture.end(first, false, 5);
    expect(await fixture.settled()).toBe("CompleteAbort");
    expect(await fixture.produce(second, "b", 0, 12)).toBe(OK);
    expect((await fixture.end(first, true, 5)).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await fixture.state()).toBe("Ongoing");
  });
});

describe("in the first generation", () => {
  it("KAFKA-17754: a delayed EndTxn commits the next transaction, half written: why transaction.version 2 is there", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.add(identity);
    await fixture.produce(identity, "a", 0);
    await fixture.endWholly(identity, true);
    await fixture.add(identity);
    await fixture.produce(identity, "half of the next", 1);
    expect((await fixture.end(identity, true)).errorCode).toBe(OK);
    expect(await fixture.settled()).toBe("CompleteCommit");
  });
});

describe("restarts", () => {
  it("carries out what was decided, and knows the open transaction", async () => {
    const fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    await fixture.test[Symbol.asyncDispose]();
    await using again = await TransactionFixture.start({ disk: fixture.test.disk });
    expect(await again.state()).toBe("Ongoing");
    expect(await again.produce(identity, "b", 1, 12)).toBe(OK);
    expect((await again.end(identity, true, 5)).errorCode).toBe(OK);
    expect(await again.settled()).toBe("CompleteCommit");
    expect((await again.fetch(1)).lastStableOffset).toBe(3);
  });

  it("writes the markers that are missing, also to topics that the new broker is only just getting to know", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    await fixture.test.createTopic("u", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    const partition = fixture.test.broker.services.partitions.get("t", 0)!;
    partition.update({ ...partition.image, leader: 2, leaderEpoch: partition.leaderEpoch + 1 });
    expect((await fixture.end(identity, true, 5)).errorCode).toBe(OK);
    expect(await fixture.state()).toBe("PrepareCommit");

    const disk = new FaultyDisk(await copyOf(fixture.test.disk));
    const gate = new DiskGate();
    // A log that has to be made anew keeps the metadata from being published while coordinators load.
    await disk.rename("/data/u-0", "/data/lost");
    disk.fault = (_, path) => (path.startsWith("/data/u-0") ? gate.wait() : null);
    const starting = TransactionFixture.start({ disk });
    while (gate.waiting === 0) await nextTurn();
    for (let turn = 0; turn < TURNS_TO_LOAD; turn++) await nextTurn();
    gate.open();
    await using again = await starting;
    expect(await again.settled()).toBe("CompleteCommit");
    expect((await again.fetch(1)).lastStableOffset).toBeGreaterThanOrEqual(2);
  });
});

describe("an id that is used from two places", () => {
  it("fences the first, whose transaction is aborted", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const first = await fixture.init();
    await fixture.produce(first, "a", 0, 12);
    expect((await fixture.init()).errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS);
    expect(await fixture.settled()).toBe("CompleteAbort");
    const second = await fixture.init();
    expect(second).toMatchObject({ errorCode: OK, producerEpoch: 2 });
    expect((await fixture.end(first, true, 5)).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await fixture.produce(first, "zombie", 1, 12)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it("does not let a zombie that says who it was abort its successor's transaction", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const first = await fixture.init();
    const second = await fixture.init();
    await fixture.produce(second, "a", 0, 12);
    expect((await fixture.init(5, first)).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await fixture.state()).toBe("Ongoing");
  });
});

describe("markers", () => {
  const marker = (identity: Identity, transactionVersion: number, coordinatorEpoch = 0) => ({
    markers: [
      {
        producerId: identity.producerId,
        producerEpoch: identity.producerEpoch,
        transactionResult: false,
        topics: [{ name: "t", partitionIndexes: [0] }],
        coordinatorEpoch,
        transactionVersion,
      },
    ],
  });

  it("end a hung transaction by hand, but not by one of its own epoch in the second generation (KIP-1228)", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    const write = async (version: number) => {
      const { markers } = await fixture.client.send(writeTxnMarkersApi, 2, marker(identity, version));
      return markers[0]!.topics[0]!.partitions[0]!.errorCode;
    };
    expect(await write(2)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect((await fixture.fetch(1)).lastStableOffset).toBe(0);
    expect(await write(1)).toBe(OK);
    expect((await fixture.fetch(1)).lastStableOffset).toBe(2);
  });

  it("count when they are below the high watermark: until then the transaction is not complete, nor its end seen", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    const { partition, followerHas } = withFollower(fixture);
    expect((await fixture.end(identity, true, 5)).errorCode).toBe(OK);
    await fixture.test.runtime.advance(1_000);
    expect(partition.log.logEndOffset).toBe(2);
    expect(await fixture.state()).toBe("PrepareCommit");
    expect((await fixture.fetch(1)).lastStableOffset).toBe(0);
    followerHas(2);
    expect(await fixture.settled()).toBe("CompleteCommit");
    expect((await fixture.fetch(1)).lastStableOffset).toBe(2);
    expect(partition.log.logEndOffset).toBe(2);
  });

  it("of the transaction before do not count against the next one, which waits for its end", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    const { partition, followerHas } = withFollower(fixture);
    const next = await fixture.end(identity, true, 5);
    const produced = fixture.produce(next, "b", 0, 12, 0, fixture.test.connect());
    await fixture.test.runtime.advance(3);
    // The coordinator's, once more: it has heard no answer.
    void fixture.client.send(writeTxnMarkersApi, 2, marker(next, 1)).catch(() => {});
    await fixture.test.runtime.advance(3);
    let errorCode: number | undefined;
    void produced.then((code) => {
      errorCode = code;
    });
    while (errorCode === undefined) {
      followerHas(partition.log.logEndOffset);
      await fixture.test.runtime.advance(1);
    }
    expect(errorCode).toBe(OK);
    expect((await fixture.describe()).transactionState).toBe("Ongoing");
  });

  it("of a stale coordinator are refused", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const identity = await fixture.init();
    await fixture.produce(identity, "a", 0, 12);
    await fixture.client.send(writeTxnMarkersApi, 1, marker(identity, 0, 5));
    const { markers } = await fixture.client.send(writeTxnMarkersApi, 1, marker(identity, 0, 4));
    expect(markers[0]!.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
  });
});

describe("features", () => {
  it("transaction.version goes down and up, and stays where it was set", async () => {
    const fixture = await TransactionFixture.start();
    const update = async (maxVersionLevel: number, upgradeType: number) => {
      const request = { featureUpdates: [{ feature: "transaction.version", maxVersionLevel, upgradeType }] };
      return (await fixture.client.send(updateFeaturesApi, 2, request)).errorCode;
    };
    expect(await update(3, 1)).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(await update(1, 1)).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(await update(0, 2)).toBe(OK);
    expect(fixture.test.broker.services.image.features.has("transaction.version")).toBe(false);
    await fixture.test[Symbol.asyncDispose]();
    await using again = await TransactionFixture.start({ disk: fixture.test.disk });
    expect(again.test.broker.services.image.features.get("transaction.version")).toBeUndefined();
  });
});

describe("ListTransactions", () => {
  it("filters by state, producer, duration and pattern", async () => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 1);
    const { producerId, ...identity } = await fixture.init();
    await fixture.produce({ producerId, ...identity }, "a", 0, 12);
    const list = async (filters: object) => {
      const answer = await fixture.client.send(listTransactionsApi, 2, {
        stateFilters: [],
        producerIdFilters: [],
        transactionalIdPattern: null,
        ...filters,
      });
      return { ids: answer.transactionStates.map(({ transactionalId }) => transactionalId), answer };
    };
    expect((await list({})).ids).toEqual([ID]);
    expect((await list({ stateFilters: ["Ongoing"], producerIdFilters: [producerId] })).ids).toEqual([ID]);
    expect((await list({ stateFilters: ["Empty"] })).ids).toEqual([]);
    expect((await list({ stateFilters: ["Nonsense"] })).answer.unknownStateFilters).toEqual(["Nonsense"]);
    expect((await list({ durationFilter: 3_600_000 })).ids).toEqual([]);
    expect((await list({ transactionalIdPattern: "trans.*" })).ids).toEqual([ID]);
    expect((await list({ transactionalIdPattern: "rans" })).ids).toEqual([]);
    expect((await list({ transactionalIdPattern: "(" })).answer.errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
  });
});
