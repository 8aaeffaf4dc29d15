import { ErrorCode } from "@ottla/protocol";
import { DiskError } from "@ottla/runtime";
import { LOG_SUFFIX, offsetOfFileName } from "../../files/names.ts";
import { AppendRejected, LogUnavailable } from "../../log-errors.ts";
import type { LogAppend } from "../../partition-log.ts";
import { fileNames } from "../disks.ts";
import { readAll, TOPIC_ID } from "../fixture.ts";
import { checkTable } from "./check-table.ts";
import { insist, type LogModel, type WrittenBatch } from "./log-model.ts";
import type { Simulation } from "./simulation.ts";

interface Step {
  readonly weight: number;
  /** The disk may fail while it runs. */
  readonly mayFail?: boolean;
  run(simulation: Simulation): Promise<void>;
}

const PLACES = 5;

/** Several batches in one turn, of idempotent producers, of a transaction, or plain; then what was answered counts. */
async function appendSome(simulation: Simulation, model: LogModel = simulation.leader): Promise<void> {
  const { random } = simulation;
  const before = [...model.batches];
  const appends: LogAppend[] = [];
  let refusal: unknown;
  try {
    for (let left = 1 + random.nextInt(4); left > 0; left--) appends.push(appendOne(simulation, model));
  } catch (error) {
    refusal = error;
  }
  const outcomes = await Promise.allSettled(appends.map((one) => one.written));
  const written = outcomes.filter((outcome) => outcome.status === "fulfilled").length;
  if (written < appends.length) {
    model.refused([...before, ...model.batches.slice(before.length, before.length + written)]);
    refusal ??= outcomes.find((outcome) => outcome.status === "rejected")?.reason;
  }
  model.acknowledgedEnd = model.endOffset;
  // Where all were refused nothing was synced either: what a killed process had left may still not be.
  if (written > 0 && simulation.config.flushMessages === 1) model.syncedEnd = model.endOffset;
  if (refusal !== undefined) throw refusal;
  model.pending = [];
  if (random.nextInt(3) > 0) simulation.logOf(model).setHighWatermark(model.endOffset);
}

function appendOne({ random, manager }: Simulation, model: LogModel): LogAppend {
  const log = manager.get(model.name, 0)!;
  const { leaderEpoch } = model;
  const place = random.nextInt(PLACES);
  const isTransactional = model.transactionalPlaces.has(place);
  const id = place === 0 || place === PLACES - 1 ? null : model.producerIn(place);
  if (isTransactional && model.isOpen(id!) && random.nextInt(3) > 0) {
    const type = random.nextInt(2) === 0 ? "commit" : "abort";
    const bytes = model.newMarker(id!, type);
    const info = { producer: { id: id!, baseSequence: -1 }, transaction: type } as const;
    return append(model, bytes, info, () => log.appendAsLeader(bytes, { leaderEpoch, origin: "control" }));
  }
  const producer = id === null ? null : { id, baseSequence: model.nextSequence(id) };
  const bytes = model.newBatch(1 + random.nextInt(3), { ...(id === null ? {} : { producerId: id }), isTransactional });
  const info = { producer, transaction: isTransactional ? "data" : null } as const;
  return append(model, bytes, info, () => log.appendAsLeader(bytes, { leaderEpoch, origin: "client" }));
}

function append(
  model: LogModel,
  bytes: Uint8Array,
  info: Pick<WrittenBatch, "producer" | "transaction">,
  send: () => LogAppend,
): LogAppend {
  const { endOffset } = model;
  const appended = send();
  insist(appended.baseOffset === endOffset && !appended.isDuplicate, () => {
    return `${model.name}: an append went to ${appended.baseOffset}, not to ${endOffset}`;
  });
  model.handedOver(bytes, appended.baseOffset, info);
  return appended;
}

async function appendToTable(simulation: Simulation): Promise<void> {
  await appendSome(simulation, simulation.table);
}

/**
 * Compacts the table until nothing of it is dirty, while it is written to. Time passes meanwhile: what fails for a
 * moment is tried again after a while.
 */
async function compact(simulation: Simulation): Promise<void> {
  const { manager, runtime, table, disk } = simulation;
  const log = simulation.logOf(table);
  log.setHighWatermark(table.endOffset);
  await log.flush();
  table.syncedEnd = table.endOffset;
  const state = { isOver: false };
  const compacting = (async () => {
    while (await manager.compactDirtiest());
  })().finally(() => {
    state.isOver = true;
  });
  await Promise.all([
    compacting,
    appendToTable(simulation),
    passTimeUntil(() => state.isOver || disk.stoppedAt !== null, runtime),
  ]);
  await checkTableNow(simulation, await table.recognize(await readAll(log)), table.endOffset);
}

async function passTimeUntil(isOver: () => boolean, runtime: Simulation["runtime"]): Promise<void> {
  while (!isOver()) await runtime.advance(100);
}

/** Holds the table to what a compacted log must keep, and counts what compaction has done. */
export async function checkTableNow(
  simulation: Simulation,
  found: readonly WrittenBatch[],
  guaranteedEnd: number,
): Promise<void> {
  const { table, tableConfig } = simulation;
  const effects = await checkTable(table, simulation.logOf(table), tableConfig, found, guaranteedEnd);
  for (const effect of effects) simulation.count(effect);
}

/** As a follower would: batches with offsets of their own, now and then with a gap, or of a new leader. */
async function appendAsFollower(simulation: Simulation): Promise<void> {
  const { random, follower: model } = simulation;
  const log = simulation.logOf(model);
  if (random.nextInt(4) === 0) model.leaderEpoch++;
  const gap = random.nextInt(4) === 0 ? random.nextInt(3) : 0;
  const written = model.handedOver(model.newBatch(1 + random.nextInt(3)), model.endOffset + gap, {
    producer: null,
    transaction: null,
  });
  const lent = written.bytes.slice();
  try {
    await log.appendAsFollower(lent).written;
  } catch (error) {
    model.refused(model.batches.slice(0, -1));
    throw error;
  } finally {
    lent.fill(0xff);
  }
  model.acknowledgedEnd = model.endOffset;
  if (simulation.config.flushMessages === 1) model.syncedEnd = model.endOffset;
  model.pending = [];
  if (random.nextInt(2) === 0) log.setHighWatermark(model.endOffset);
}

async function truncate(simulation: Simulation): Promise<void> {
  const { random, follower: model } = simulation;
  const log = simulation.logOf(model);
  const from = Math.max(log.logStartOffset, model.startMax);
  if (model.endOffset <= from) return;
  const target = from + random.nextInt(model.endOffset - from + 1);
  const straddling = model.batches.find((one) => one.baseOffset < target && one.lastOffset >= target);
  const endOffset = Math.min(straddling?.baseOffset ?? target, model.endOffset);
  model.lowerEnd(endOffset);
  // Where nothing is left the log begins anew: see `startAnew`.
  if (target <= (await firstSegment(simulation, log.directory))) model.startAfterKill = model.startAfterPowerCut = 0;
  await log.truncateTo(target);
  insist(log.logEndOffset === endOffset, () => `follower: truncated to ${log.logEndOffset}, not to ${endOffset}`);
  model.cut(endOffset);
}

async function startAnew(simulation: Simulation): Promise<void> {
  const { random, follower: model } = simulation;
  const offset = model.endOffset + random.nextInt(20);
  model.lowerEnd(0);
  model.startMax = Math.max(model.startMax, offset);
  // A crash in the midst of it leaves an empty log, which begins where none that is new begins.
  model.startAfterKill = model.startAfterPowerCut = 0;
  await simulation.logOf(model).truncateFullyAndStartAt(offset);
  model.cut(0);
  model.endOffset = offset;
}

async function flush(simulation: Simulation): Promise<void> {
  for (const model of simulation.models) {
    const { endOffset } = model;
    await simulation.logOf(model).flush();
    model.syncedEnd = endOffset;
  }
}

async function deleteRecords(simulation: Simulation): Promise<void> {
  const { random, leader, table } = simulation;
  const model = random.nextInt(3) === 0 ? table : leader;
  const log = simulation.logOf(model);
  const target = log.logStartOffset + random.nextInt(log.highWatermark - log.logStartOffset + 1);
  model.startMax = Math.max(model.startMax, target);
  await log.advanceLogStartOffset(target);
  model.startAfterKill = model.startAfterPowerCut = Math.max(model.startAfterPowerCut, target);
}

async function retain(simulation: Simulation): Promise<void> {
  for (const model of simulation.models) {
    const log = simulation.logOf(model);
    const { startMax } = model;
    model.startMax = Math.max(startMax, log.highWatermark);
    await log.deleteExpired();
    model.startAfterKill = Math.max(model.startAfterKill, await firstSegment(simulation, log.directory));
    model.startMax = Math.max(startMax, model.startAfterKill);
  }
  await simulation.runtime.advance(1000);
}

async function firstSegment({ disk }: Simulation, directory: string): Promise<number> {
  const starts = (await fileNames(disk, directory)).flatMap((name) => offsetOfFileName(name, LOG_SUFFIX) ?? []);
  return Math.min(...starts);
}

async function checkpoint({ runtime }: Simulation): Promise<void> {
  await runtime.advance(60_000);
}

/** A topic is created and written to, or deleted. What was answered holds after any crash, once it was synced. */
async function createOrDelete(simulation: Simulation): Promise<void> {
  const { manager, config, passing, leader } = simulation;
  simulation.passing = "either";
  if (passing !== "absent") {
    await manager.delete("passing", 0);
    simulation.passing = "absent";
    return;
  }
  simulation.isPassingSynced = false;
  const log = await manager.openOrCreate("passing", 0, TOPIC_ID, config);
  await log.appendAsLeader(leader.newBatch(1), { leaderEpoch: 0, origin: "client" }).written;
  simulation.passing = "present";
  simulation.isPassingSynced = config.flushMessages === 1;
}

async function stopCleanly(simulation: Simulation): Promise<void> {
  const { manager, models } = simulation;
  await manager.close();
  for (const model of models) model.syncedEnd = model.endOffset;
  simulation.isPassingSynced = true;
  await simulation.open();
  for (const model of models) {
    const log = simulation.logOf(model);
    const lastEnd = (model.batches.at(-1)?.lastOffset ?? -1) + 1;
    insist(
      log.logEndOffset >= lastEnd,
      () => `${model.name}: ends at ${log.logEndOffset} after a clean stop, not at ${lastEnd}`,
    );
    model.endOffset = log.logEndOffset;
    model.lowerEnd(log.logEndOffset);
  }
}

/** A full disk refuses appends; what was acknowledged stays, and appends go on when there is space again. */
async function fillDisk(simulation: Simulation): Promise<void> {
  const { leader: model, disk } = simulation;
  disk.faults.noSpace = 0.7;
  for (const step of [appendSome, compact, appendSome, appendToTable, appendSome]) {
    await step(simulation).catch((error) => {
      if (!(error instanceof DiskError && error.code === "NO_SPACE")) throw error;
    });
  }
  disk.faults.noSpace = 0;
  const log = simulation.logOf(model);
  const found = await model.recognize(await readAll(log));
  // All may have gone in a power cut before, and left the log's end to the name of its last segment.
  const hadAny = model.batches.some(({ lastOffset }) => lastOffset >= log.logStartOffset);
  insist(found.length > 0 || !hadAny, () => "leader: nothing can be read when the disk was full");
  await appendSome(simulation);
}

async function readBack(simulation: Simulation): Promise<void> {
  for (const model of simulation.models) await model.recognize(await readAll(simulation.logOf(model)));
}

const FAILING_STEPS = [
  ...[appendSome, readBack, flush, appendAsFollower, appendToTable, compact],
  ...[deleteRecords, retain, readBack, appendSome],
];

/** The disk fails for a while. The directory goes offline, and its logs refuse everything; the broker is started again. */
async function failDisk(simulation: Simulation): Promise<void> {
  const { disk } = simulation;
  Object.assign(disk.faults, { writeError: 0.1, syncError: 0.1, readError: 0.05, nameError: 0.1 });
  for (const step of FAILING_STEPS) {
    await step(simulation).catch((error) => {
      const isRefusal =
        (error instanceof AppendRejected || error instanceof LogUnavailable) &&
        error.errno === ErrorCode.KAFKA_STORAGE_ERROR;
      if (!isRefusal && !(error instanceof DiskError)) throw error;
    });
  }
  throw new DiskError("IO", "", "the broker is started again");
}

/** What the simulation can do. The weights say how often. */
export const steps = named({
  append: { weight: 10, run: appendSome },
  appendAsFollower: { weight: 6, run: appendAsFollower },
  appendToTable: { weight: 8, run: appendToTable },
  compact: { weight: 4, run: compact },
  truncate: { weight: 2, run: truncate },
  startAnew: { weight: 1, run: startAnew },
  flush: { weight: 2, run: flush },
  deleteRecords: { weight: 2, run: deleteRecords },
  retention: { weight: 2, run: retain },
  checkpoint: { weight: 2, run: checkpoint },
  createOrDelete: { weight: 1, run: createOrDelete },
  cleanStop: { weight: 1, run: stopCleanly },
  fullDisk: { weight: 1, run: fillDisk },
  failingDisk: { weight: 1, run: failDisk, mayFail: true },
});

export type StepName = keyof typeof steps;

function named<Name extends string>(all: Record<Name, Step>): Readonly<Record<Name, Step>> {
  return all;
}
