import { assignOffsets } from "@ottla/protocol/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batch, concat, marker, offsetsOf, sequenced } from "../test-support/batches.ts";
import { copyDisk, fileNames } from "../test-support/disks.ts";
import { type Fixture, openFixture, openLog, READ_ALL, readAll } from "../test-support/fixture.ts";
import type { SegmentedLog } from "./segmented-log.ts";

/** Random operations on a log, checked against a model that is an array of batches. */

interface ModelBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  /** The producer and its sequence, or null for a batch without one. */
  readonly producer: { readonly id: number; readonly sequence: number } | null;
  readonly transaction?: "data" | "commit" | "abort";
}

/** A transaction as its batches tell: open where there is no marker yet. */
interface Transaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly marker: ModelBatch | null;
}

interface Model {
  batches: ModelBatch[];
  /** Those of transactions, also from below the log start. */
  transactional: ModelBatch[];
  logStartOffset: number;
  logEndOffset: number;
  highWatermark: number;
  epoch: number;
}

interface System {
  fixture: Fixture;
  log: SegmentedLog;
  readonly model: Model;
  readonly tailMemoryBytes: number;
}

type Step = (system: System) => Promise<void>;

/** A step with a name that a failing run prints. */
class Command {
  readonly name: string;
  readonly run: Step;

  constructor(name: string, run: Step) {
    this.name = name;
    this.run = run;
  }

  toString(): string {
    return this.name;
  }
}

function named<A extends unknown[]>(name: string, make: (...args: A) => Step): (args: A) => Command {
  return (args) => new Command(`${name}(${args.map((one) => JSON.stringify(one)).join(", ")})`, make(...args));
}

const CONFIG = { segmentBytes: 700, indexIntervalBytes: 150, retentionMs: -1, retentionBytes: 1500 };
const PRODUCERS = 3;
const TRANSACTIONAL = [10, 11];

function nextSequence(model: Model, id: number): number {
  const last = [...model.transactional, ...model.batches].findLast((one) => one.producer?.id === id);
  return last === undefined ? 0 : last.producer!.sequence + (last.lastOffset - last.baseOffset) + 1;
}

function remember(model: Model, one: ModelBatch): void {
  model.batches.push(one);
  if (one.transaction !== undefined) model.transactional.push(one);
  model.logEndOffset = one.lastOffset + 1;
}

/** Several batches in one turn: of producers where `id` is below PRODUCERS, plain ones otherwise. */
const appendAsLeader =
  (counts: readonly number[], id: number): Step =>
  async ({ log, model }) => {
    const appends = counts.map((count) => {
      const producer = id < PRODUCERS ? { id, sequence: nextSequence(model, id) } : null;
      const bytes = producer ? sequenced({ producerId: id }, producer.sequence, count) : batch({ count });
      const appended = log.appendAsLeader(bytes, { leaderEpoch: model.epoch, origin: "client" });
      const baseOffset = model.logEndOffset;
      expect([appended.baseOffset, appended.lastOffset]).toEqual([baseOffset, baseOffset + count - 1]);
      expect(appended.isDuplicate).toBe(false);
      remember(model, { baseOffset, lastOffset: appended.lastOffset, epoch: model.epoch, bytes, producer });
      return appended.written;
    });
    await Promise.all(appends);
  };

function transactionsOf({ transactional }: Model): Transaction[] {
  const transactions: Transaction[] = [];
  for (const producerId of TRANSACTIONAL) {
    let firstOffset: number | null = null;
    for (const one of transactional.filter(({ producer }) => producer!.id === producerId)) {
      if (one.transaction === "data") {
        firstOffset ??= one.baseOffset;
      } else if (firstOffset !== null) {
        transactions.push({ producerId, firstOffset, marker: one });
        firstOffset = null;
      }
    }
    if (firstOffset !== null) transactions.push({ producerId, firstOffset, marker: null });
  }
  return transactions;
}

/** Where the first transaction begins that is open, or whose marker not all replicas have. */
function lastStableOffset(model: Model): number {
  const { highWatermark, logStartOffset } = model;
  const isUnstable = ({ marker }: Transaction) => marker === null || marker.baseOffset >= highWatermark;
  const unstable = transactionsOf(model).filter(isUnstable);
  const stable = Math.min(highWatermark, ...unstable.map(({ firstOffset }) => firstOffset));
  return Math.max(stable, logStartOffset);
}

const appendInTransaction =
  (id: number, count: number): Step =>
  async ({ log, model }) => {
    const producer = { id: TRANSACTIONAL[id]!, sequence: nextSequence(model, TRANSACTIONAL[id]!) };
    const bytes = sequenced({ producerId: producer.id }, producer.sequence, count, true);
    const { baseOffset, lastOffset, written } = log.appendAsLeader(bytes, {
      leaderEpoch: model.epoch,
      origin: "client",
    });
    await written;
    expect(baseOffset).toBe(model.logEndOffset);
    remember(model, { baseOffset, lastOffset, epoch: model.epoch, bytes, producer, transaction: "data" });
  };

const endTransaction =
  (id: number, transaction: "commit" | "abort"): Step =>
  async ({ log, model }) => {
    const producerId = TRANSACTIONAL[id]!;
    const isOpen = transactionsOf(model).some((one) => one.producerId === producerId && one.marker === null);
    if (!isOpen) return;
    const bytes = marker({ producerId }, transaction);
    const { baseOffset, lastOffset, written } = log.appendAsLeader(bytes, {
      leaderEpoch: model.epoch,
      origin: "control",
    });
    await written;
    const producer = { id: producerId, sequence: nextSequence(model, producerId) - 1 };
    remember(model, { baseOffset, lastOffset, epoch: model.epoch, bytes, producer, transaction });
  };

const repeat =
  (id: number): Step =>
  async ({ log, model }) => {
    const last = model.batches.findLast((one) => one.producer?.id === id);
    if (last === undefined) return;
    const count = last.lastOffset - last.baseOffset + 1;
    const bytes = sequenced({ producerId: id }, last.producer!.sequence, count);
    const appended = log.appendAsLeader(bytes, { leaderEpoch: model.epoch, origin: "client" });
    expect([appended.isDuplicate, appended.baseOffset]).toEqual([true, last.baseOffset]);
    await appended.written;
  };

const appendAsFollower =
  (count: number, gap: number, epochStep: number): Step =>
  async ({ log, model }) => {
    model.epoch += epochStep;
    const bytes = batch({ count });
    const baseOffset = model.logEndOffset + gap;
    assignOffsets(bytes, 0, baseOffset, model.epoch);
    const lent = bytes.slice();
    await log.appendAsFollower(lent).written;
    lent.fill(0xff);
    remember(model, { baseOffset, lastOffset: baseOffset + count - 1, epoch: model.epoch, bytes, producer: null });
  };

const moveHighWatermark =
  (fraction: number): Step =>
  async ({ log, model }) => {
    const boundaries = [model.logStartOffset, ...model.batches.map((one) => one.lastOffset + 1)];
    const target = boundaries[Math.floor(fraction * boundaries.length)]!;
    model.highWatermark = Math.max(model.highWatermark, target);
    log.setHighWatermark(model.highWatermark);
  };

const moveLogStart =
  (fraction: number): Step =>
  async ({ log, model }) => {
    const { logStartOffset, highWatermark } = model;
    const target = logStartOffset + Math.floor(fraction * (highWatermark - logStartOffset + 1));
    await log.advanceLogStartOffset(target);
    model.logStartOffset = Math.max(logStartOffset, target);
    forgetDeleted(model);
  };

function forgetDeleted(model: Model): void {
  model.batches = model.batches.filter((one) => one.lastOffset >= model.logStartOffset);
}

const truncate =
  (fraction: number): Step =>
  async ({ fixture, log, model }) => {
    const firstBase = Math.min(...(await segmentStarts(fixture)));
    const target = firstBase + Math.floor(fraction * (model.logEndOffset - firstBase + 1));
    await log.truncateTo(target);
    if (target >= model.logEndOffset) return;
    const straddling = model.batches.find((one) => one.baseOffset < target && one.lastOffset >= target);
    model.logEndOffset = straddling?.baseOffset ?? target;
    model.batches = model.batches.filter((one) => one.lastOffset < target);
    model.transactional = model.transactional.filter((one) => one.lastOffset < target);
    model.logStartOffset = Math.min(model.logStartOffset, model.logEndOffset);
    model.highWatermark = Math.min(model.highWatermark, model.logEndOffset);
    // A truncated batch that began before the log start takes the start back with it.
    expect(log.logEndOffset).toBe(model.logEndOffset);
  };

async function segmentStarts(fixture: Fixture): Promise<number[]> {
  const names = await fileNames(fixture.disk, "/data/topic-0");
  return names.filter((name) => name.endsWith(".log")).map((name) => Number(name.slice(0, -4)));
}

const restart =
  (offset: number): Step =>
  async ({ log, model }) => {
    await log.truncateFullyAndStartAt(offset);
    Object.assign(model, {
      batches: [],
      transactional: [],
      logStartOffset: offset,
      logEndOffset: offset,
      highWatermark: offset,
    });
  };

const retain: Step = async ({ log, model }) => {
  await log.deleteExpired();
  expect(log.logStartOffset).toBeGreaterThanOrEqual(model.logStartOffset);
  expect(log.logStartOffset).toBeLessThanOrEqual(model.highWatermark);
  const isBoundary = model.batches.some((one) => one.lastOffset + 1 === log.logStartOffset);
  expect(isBoundary || log.logStartOffset === model.logStartOffset || model.batches.length === 0).toBe(true);
  model.logStartOffset = log.logStartOffset;
  forgetDeleted(model);
};

const flush: Step = async ({ log, model }) => {
  await log.flush();
  expect(log.recoveryPoint).toBe(model.logEndOffset);
};

const checkpoint: Step = async ({ fixture }) => {
  await fixture.runtime.advance(60_000);
};

const reopen =
  (isClean: boolean): Step =>
  async (system) => {
    const { fixture, model } = system;
    if (isClean) await fixture.manager.close();
    else await fixture.runtime.settle();
    const disk = await copyDisk(fixture.disk);
    if (!isClean) await fixture.manager.close();
    system.fixture = await openFixture({ disk, config: CONFIG, tailMemoryBytes: system.tailMemoryBytes });
    system.log = system.fixture.manager.get("topic", 0)!;
    const { log } = system;
    // Offsets without records at the end, and moves of HW that no checkpoint has seen, do not outlive a stop.
    const lastRecordEnd = (model.batches.at(-1)?.lastOffset ?? -1) + 1;
    expect(log.logEndOffset).toBeGreaterThanOrEqual(lastRecordEnd);
    expect(log.logEndOffset).toBeLessThanOrEqual(model.logEndOffset);
    if (isClean) expect(log.highWatermark).toBe(Math.min(model.highWatermark, log.logEndOffset));
    expect(log.logStartOffset).toBeLessThanOrEqual(Math.max(model.logStartOffset, log.logEndOffset));
    model.logEndOffset = log.logEndOffset;
    model.logStartOffset = log.logStartOffset;
    model.highWatermark = log.highWatermark;
  };

async function expectToAgree({ log, model }: System): Promise<void> {
  const { logStartOffset, highWatermark, logEndOffset } = log;
  expect([logStartOffset, highWatermark, logEndOffset]).toEqual([
    model.logStartOffset,
    model.highWatermark,
    model.logEndOffset,
  ]);
  expect(log.lastStableOffset).toBe(lastStableOffset(model));
  const stored = await readAll(log);
  expect(Buffer.compare(stored, concat(model.batches.map((one) => one.bytes)))).toBe(0);
  for (const { epoch } of model.batches) {
    const end = model.batches.find((other) => other.epoch > epoch)?.baseOffset ?? model.logEndOffset;
    const found = log.endOffsetForEpoch(epoch)!;
    expect(found.leaderEpoch).toBe(epoch);
    if (epoch !== log.latestLeaderEpoch) expect(found.endOffset).toBe(end);
  }
}

async function expectReadAt({ log, model }: System, fraction: number, maxBytes: number): Promise<void> {
  const span = model.logEndOffset - model.logStartOffset;
  const offset = model.logStartOffset + Math.floor(fraction * (span + 1));
  const wanted: [number, number][] = [];
  let sizeBytes = 0;
  for (const one of model.batches) {
    const isWanted = one.lastOffset >= offset && one.lastOffset < model.highWatermark;
    if (!isWanted) continue;
    sizeBytes += one.bytes.length;
    if (sizeBytes > maxBytes && wanted.length > 0) break;
    wanted.push([one.baseOffset, one.lastOffset]);
  }
  const read = await log.read(offset, { ...READ_ALL, maxBytes, limit: "highWatermark" });
  const found = offsetsOf(read);
  read.release();
  // A read may end early (at a segment's end), but never be empty where there is something.
  expect(found).toEqual(wanted.slice(0, found.length));
  expect(found.length > 0).toBe(wanted.length > 0);
}

/** Readers of committed records are told of exactly the aborted transactions that concern what they read. */
async function expectAborted({ log, model }: System, fraction: number, maxBytes: number): Promise<void> {
  const offset = model.logStartOffset + Math.floor(fraction * (log.lastStableOffset - model.logStartOffset + 1));
  const read = await log.read(offset, { ...READ_ALL, maxBytes, limit: "lastStable" });
  const endOffset = (offsetsOf(read).at(-1)?.[1] ?? offset - 1) + 1;
  const told = read.abortedTransactions.map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`);
  read.release();
  const concerns = ({ firstOffset, marker }: Transaction) =>
    marker?.transaction === "abort" && marker.baseOffset >= offset && firstOffset < endOffset;
  const wanted = transactionsOf(model).filter(concerns);
  expect(told.sort()).toEqual(wanted.map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`).sort());
}

const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });
const count = fc.integer({ min: 1, max: 4 });
const counts = fc.array(count, { minLength: 1, maxLength: 5 });
const maintenance: Record<string, Step> = { retain, flush, checkpoint };
const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(counts, fc.nat(4)).map(named("appendAsLeader", appendAsLeader)) },
  { weight: 4, arbitrary: fc.tuple(fc.nat(1), count).map(named("appendInTransaction", appendInTransaction)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(1), fc.constantFrom("commit" as const, "abort" as const))
      .map(named("endTransaction", endTransaction)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.nat(PRODUCERS - 1)).map(named("repeat", repeat)) },
  { weight: 3, arbitrary: fc.tuple(count, fc.nat(3), fc.nat(1)).map(named("appendAsFollower", appendAsFollower)) },
  { weight: 4, arbitrary: fc.tuple(fraction).map(named("moveHighWatermark", moveHighWatermark)) },
  { weight: 1, arbitrary: fc.tuple(fraction).map(named("moveLogStart", moveLogStart)) },
  { weight: 2, arbitrary: fc.tuple(fraction).map(named("truncate", truncate)) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(2000)).map(named("restart", restart)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("retain", "flush", "checkpoint").map((name) => new Command(name, maintenance[name]!)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.boolean()).map(named("reopen", reopen)) },
);

describe("a log under random operations", () => {
  it.each([0, 1_000_000])("is what an array of batches is, with %i bytes of tail", async (tailMemoryBytes) => {
    const run = async (steps: readonly Command[], readFraction: number, maxBytes: number) => {
      const fixture = await openFixture({ config: CONFIG, tailMemoryBytes });
      const model = { batches: [], transactional: [], logStartOffset: 0, logEndOffset: 0, highWatermark: 0, epoch: 0 };
      const system: System = { fixture, log: await openLog(fixture), model, tailMemoryBytes };
      for (const step of steps) {
        await step.run(system);
        await expectToAgree(system);
        await expectReadAt(system, readFraction, maxBytes);
        await expectAborted(system, readFraction, maxBytes);
      }
      await system.fixture.manager.close();
    };
    const property = fc.asyncProperty(
      fc.array(commands, { maxLength: 40 }),
      fraction,
      fc.integer({ min: 1, max: 900 }),
      run,
    );
    await fc.assert(property, { numRuns: Number(process.env.OTTLA_TEST_RUNS ?? 100) });
  });
});
