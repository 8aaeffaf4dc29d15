import { describe, expect, it } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import { marker, sequenced } from "../test-support/batches.ts";
import { copyDisk } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, READ_ALL } from "../test-support/fixture.ts";

const OUT_OF_ORDER = 45;
const INVALID_EPOCH = 47;
const INVALID_TXN_STATE = 48;
const COORDINATOR_FENCED = 52;

const producer = { producerId: 7, producerEpoch: 1 };

/** Sends a batch as a producer would: the offset it got, "duplicate <offset>", or the error code. */
async function send(log: PartitionLog, batch: Uint8Array): Promise<number | string> {
  try {
    const appended = await append(log, batch);
    return appended.isDuplicate ? `duplicate ${appended.baseOffset}` : appended.baseOffset;
  } catch (error) {
    return `error ${(error as { errno: number }).errno}`;
  }
}

function mark(log: PartitionLog, type: "commit" | "abort", options = producer, coordinatorEpoch = 0) {
  return log.appendAsLeader(marker(options, type, coordinatorEpoch), { leaderEpoch: 0, origin: "control" });
}

async function openTopic(): Promise<{ fixture: Fixture; log: PartitionLog }> {
  const fixture = await openFixture();
  return { fixture, log: await openLog(fixture) };
}

describe("an idempotent producer", () => {
  /** [epoch, first sequence, records] of each batch sent, and what came of it. */
  const table: [string, [epoch: number, sequence: number, count: number, outcome: number | string][]][] = [
    [
      "in order",
      [
        [1, 0, 2, 0],
        [1, 2, 3, 2],
        [1, 5, 1, 5],
      ],
    ],
    [
      "the first batch of an unknown producer at any sequence",
      [
        [1, 17, 2, 0],
        [1, 19, 1, 2],
      ],
    ],
    [
      "a gap",
      [
        [1, 0, 2, 0],
        [1, 3, 1, `error ${OUT_OF_ORDER}`],
        [1, 2, 1, 2],
      ],
    ],
    [
      "a repeated last batch",
      [
        [1, 0, 2, 0],
        [1, 0, 2, "duplicate 0"],
        [1, 2, 1, 2],
      ],
    ],
    [
      "each of the last five batches repeated, the sixth no more",
      [
        [1, 0, 1, 0],
        [1, 1, 1, 1],
        [1, 2, 1, 2],
        [1, 3, 1, 3],
        [1, 4, 1, 4],
        [1, 5, 1, 5],
        [1, 5, 1, "duplicate 5"],
        [1, 3, 1, "duplicate 3"],
        [1, 1, 1, "duplicate 1"],
        [1, 0, 1, `error ${OUT_OF_ORDER}`],
      ],
    ],
    [
      "part of a batch repeated",
      [
        [1, 0, 4, 0],
        [1, 2, 2, `error ${OUT_OF_ORDER}`],
      ],
    ],
    [
      "an older epoch",
      [
        [1, 0, 1, 0],
        [0, 1, 1, `error ${INVALID_EPOCH}`],
      ],
    ],
    [
      "a newer epoch from sequence 0",
      [
        [1, 0, 1, 0],
        [2, 0, 1, 1],
        [1, 1, 1, `error ${INVALID_EPOCH}`],
      ],
    ],
    [
      "a newer epoch at another sequence",
      [
        [1, 0, 1, 0],
        [2, 1, 1, `error ${OUT_OF_ORDER}`],
        [2, 0, 1, 1],
      ],
    ],
    [
      "an old epoch's batch is no duplicate in a new one",
      [
        [1, 0, 1, 0],
        [2, 0, 1, 1],
        [2, 0, 1, "duplicate 1"],
      ],
    ],
    [
      "sequences that wrap around between batches",
      [
        [1, 2 ** 31 - 2, 2, 0],
        [1, 0, 1, 2],
        [1, 2 ** 31 - 2, 2, "duplicate 0"],
      ],
    ],
    [
      "sequences that wrap around within a batch",
      [
        [1, 2 ** 31 - 1, 3, 0],
        [1, 2, 1, 3],
        [1, 2 ** 31 - 1, 3, "duplicate 0"],
      ],
    ],
  ];

  it.each(table)("%s", async (_name, steps) => {
    const { fixture, log } = await openTopic();
    for (const [producerEpoch, sequence, count, outcome] of steps) {
      expect(await send(log, sequenced({ producerId: 7, producerEpoch }, sequence, count))).toBe(outcome);
    }
    await fixture.manager.close();
  });

  it("is recognized while the first copy is still on its way to the disk", async () => {
    const { fixture, log } = await openTopic();
    const first = log.appendAsLeader(sequenced(producer, 0, 2), { leaderEpoch: 0, origin: "client" });
    const second = log.appendAsLeader(sequenced(producer, 0, 2), { leaderEpoch: 0, origin: "client" });
    expect([second.isDuplicate, second.baseOffset, second.lastOffset]).toEqual([true, 0, 1]);
    expect(log.logEndOffset).toBe(0);
    await second.written;
    expect(log.logEndOffset).toBe(2);
    await first.written;
    await fixture.manager.close();
  });

  it.each(["clean stop", "kill"])("is recognized after a %s", async (stop) => {
    const { fixture, log } = await openTopic();
    await append(log, sequenced(producer, 0, 2));
    await append(log, sequenced(producer, 2, 2));
    if (stop === "clean stop") await fixture.manager.close();
    const again = await openFixture({ disk: await copyDisk(fixture.disk) });
    const reopened = again.manager.get("topic", 0)!;
    // Both may have been in flight.
    expect(await send(reopened, sequenced(producer, 0, 2))).toBe("duplicate 0");
    expect(await send(reopened, sequenced(producer, 2, 2))).toBe("duplicate 2");
    expect(await send(reopened, sequenced(producer, 6, 1))).toBe(`error ${OUT_OF_ORDER}`);
    expect(await send(reopened, sequenced(producer, 4, 1))).toBe(4);
    await again.manager.close();
  });

  it("is forgotten after producer.id.expiration.ms of silence, unless its transaction is open", async () => {
    const { fixture, log } = await openTopic();
    const other = { producerId: 8 };
    await append(log, sequenced(producer, 0, 1));
    await append(log, sequenced(other, 0, 1, true));
    await fixture.runtime.advance(86_400_000 - 300_000);
    expect(await send(log, sequenced(producer, 0, 1))).toBe("duplicate 0");
    await fixture.runtime.advance(900_000);
    expect(await send(log, sequenced(producer, 55, 1))).toBe(2);
    expect(await send(log, sequenced(other, 55, 1, true))).toBe(`error ${OUT_OF_ORDER}`);
    await fixture.manager.close();
  });

  it("is forgotten at the first check at which that time is over, by what the config says then", async () => {
    let expirationMs = 5_000;
    const fixture = await openFixture({
      producerIdExpirationMs: () => expirationMs,
      producerIdExpirationCheckIntervalMs: 1_000,
    });
    const log = await openLog(fixture);
    await append(log, sequenced(producer, 0, 1));
    await fixture.runtime.advance(4_999);
    expect(log.producers()).toHaveLength(1);
    await fixture.runtime.advance(1);
    expect(log.producers()).toEqual([]);
    await append(log, sequenced(producer, 0, 1));
    expirationMs = 1_000;
    await fixture.runtime.advance(1_000);
    expect(log.producers()).toEqual([]);
    await fixture.manager.close();
  });
});

describe("transactions", () => {
  it("hold the last stable offset back until their marker is below the high watermark", async () => {
    const { fixture, log } = await openTopic();
    const other = { producerId: 8, producerEpoch: 0 };
    await append(log, sequenced({ producerId: 1 }, 0, 2));
    await append(log, sequenced(producer, 0, 2, true));
    await append(log, sequenced(other, 0, 2, true));
    log.setHighWatermark(5);
    expect(log.lastStableOffset).toBe(2);
    await mark(log, "commit").written;
    expect(log.lastStableOffset).toBe(2);
    log.setHighWatermark(6);
    expect(log.lastStableOffset).toBe(2);
    log.setHighWatermark(7);
    expect(log.lastStableOffset).toBe(4);
    await mark(log, "abort", other).written;
    log.setHighWatermark(8);
    expect(log.lastStableOffset).toBe(8);
    await fixture.manager.close();
  });

  it("are reported to read_committed readers when they were aborted and overlap what is read", async () => {
    for (const tailMemoryBytes of [0, 1_000_000]) {
      const fixture = await openFixture({ tailMemoryBytes, config: { segmentBytes: 400 } });
      const log = await openLog(fixture);
      const offsets: number[] = [];
      for (let i = 0; i < 8; i++) {
        offsets.push((await append(log, sequenced(producer, 2 * i, 2, true))).baseOffset);
        await mark(log, i % 2 === 0 ? "abort" : "commit").written;
      }
      log.setHighWatermark(log.logEndOffset);
      const abortedFrom = async (offset: number, maxBytes: number) => {
        const read = await log.read(offset, { maxBytes, minOneBatch: true, limit: "lastStable" });
        read.release();
        return read.abortedTransactions.map((one) => one.firstOffset);
      };
      expect(await abortedFrom(offsets[0]!, 1)).toEqual([offsets[0]]);
      expect(await abortedFrom(offsets[1]!, 1)).toEqual([]);
      // The marker itself still belongs to the transaction that it aborts.
      expect(await abortedFrom(offsets[2]! + 2, 1)).toEqual([offsets[2]]);
      const committed = await log.read(0, { ...READ_ALL, limit: "highWatermark" });
      expect(committed.abortedTransactions).toEqual([]);
      committed.release();
      await fixture.manager.close();
      const again = await openFixture({ disk: fixture.disk, config: { segmentBytes: 400 } });
      const read = await again.manager
        .get("topic", 0)!
        .read(offsets[4]!, { ...READ_ALL, maxBytes: 1, limit: "lastStable" });
      expect(read.abortedTransactions).toEqual([{ producerId: 7, firstOffset: offsets[4] }]);
      read.release();
      await again.manager.close();
    }
  });

  it("refuse writes outside of them, stale epochs, and markers of a fenced coordinator", async () => {
    const { fixture, log } = await openTopic();
    await append(log, sequenced(producer, 0, 1, true));
    expect(await send(log, sequenced(producer, 1, 1))).toBe(`error ${INVALID_TXN_STATE}`);
    await mark(log, "commit", producer, 5).written;
    expect(await send(log, sequenced(producer, 1, 1))).toBe(2);
    expect(() => mark(log, "abort", producer, 4)).toThrow(expect.objectContaining({ errno: COORDINATOR_FENCED }));
    expect(() => mark(log, "abort", { producerId: 7, producerEpoch: 0 }, 5)).toThrow(
      expect.objectContaining({ errno: INVALID_EPOCH }),
    );
    await fixture.manager.close();
  });

  it("a marker with a newer epoch begins that epoch", async () => {
    const { fixture, log } = await openTopic();
    await append(log, sequenced(producer, 0, 3, true));
    await mark(log, "abort", { producerId: 7, producerEpoch: 2 }).written;
    expect(await send(log, sequenced(producer, 3, 1, true))).toBe(`error ${INVALID_EPOCH}`);
    expect(await send(log, sequenced({ producerId: 7, producerEpoch: 2 }, 0, 1, true))).toBe(4);
    await fixture.manager.close();
  });

  it("a marker without records aborts nothing", async () => {
    const { fixture, log } = await openTopic();
    await mark(log, "abort").written;
    log.setHighWatermark(1);
    expect(log.lastStableOffset).toBe(1);
    const read = await log.read(0, { ...READ_ALL, limit: "lastStable" });
    expect(read.abortedTransactions).toEqual([]);
    await fixture.manager.close();
  });
});

describe("what a log tells of its producers", () => {
  it("has the last sequence, the open transaction and the coordinator's epoch of each", async () => {
    const { fixture, log } = await openTopic();
    expect(log.producers()).toEqual([]);
    await send(log, sequenced({ producerId: 3 }, 0, 2));
    await send(log, sequenced(producer, 0, 4, true));
    const idempotent = {
      producerId: 3,
      producerEpoch: 0,
      lastSequence: 1,
      lastTimestampMs: 1_700_000_000_001,
      coordinatorEpoch: -1,
      transactionStartOffset: -1,
    };
    const transactional = { ...idempotent, producerId: 7, producerEpoch: 1, lastSequence: 3 };
    expect(log.producers()).toEqual([
      idempotent,
      { ...transactional, lastTimestampMs: 1_700_000_000_003, transactionStartOffset: 2 },
    ]);
    await mark(log, "commit", producer, 5).written;
    expect(log.producers()[1]).toEqual({ ...transactional, lastTimestampMs: 1_700_000_000_000, coordinatorEpoch: 5 });
    await fixture.manager.close();
  });
});
