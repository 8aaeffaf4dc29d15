import type { CrashKind, Disk, Random } from "@ottla/runtime";
import { readOffsetCheckpoint } from "../../files/checkpoint-file.ts";
import {
  joinPath,
  LOG_SUFFIX,
  offsetFileName,
  offsetOfFileName,
  PRODUCER_SNAPSHOT_SUFFIX,
  RECOVERY_POINT_CHECKPOINT,
  SWAP_SUFFIX,
} from "../../files/names.ts";
import { verifyDirectory } from "../../inspect/verify.ts";
import type { SegmentedLog } from "../../log/segmented-log.ts";
import type { AbortedTransaction } from "../../partition-log.ts";
import { decodeProducerSnapshot } from "../../producers/producer-snapshot.ts";
import { fileNames } from "../disks.ts";
import { DIRECTORY, readAll, START_MS } from "../fixture.ts";
import {
  abortedTransactions,
  insist,
  type LogModel,
  openTransactions,
  Violation,
  type WrittenBatch,
} from "./log-model.ts";
import { TableModel } from "./table-model.ts";

/** Holds a log that was opened after a crash to all that it must be then. Returns what it has. */
export async function checkRecovered(
  disk: Disk,
  random: Random,
  kind: CrashKind,
  model: LogModel,
  log: SegmentedLog,
): Promise<WrittenBatch[]> {
  const found = await model.recognize(await readAll(log));
  const history = model.historyOf(found, model.guaranteedEnd(kind));
  checkBounds(kind, model, log);
  // What is missed in a compacted log, and seen by readers of it: see `checkTable`.
  const isCompacted = model instanceof TableModel;
  if (!isCompacted) checkNothingMissed(kind, model, found, await segmentStarts(disk, log));
  if (kind === "process") checkNothingOldIsBack(model, found);
  await checkFiles(disk, model, log);
  checkEpochs(model, log, found);
  log.setHighWatermark(log.logEndOffset);
  checkStable(model, log, history);
  if (!isCompacted) await checkAborted(model, log, found);
  checkProducers(model, log, history);
  await checkTimestamps(random, model, log, found);
  return found;
}

/**
 * Holds the producer snapshots that the recovery points speak of to be whole, before anything is opened. Those where
 * segments begin do not count (be it that a swap has not named their log yet): they are written without a sync, and a
 * recovery point may be taken back there.
 */
export async function checkVouchedFor(disk: Disk): Promise<void> {
  const points = await readOffsetCheckpoint(disk, joinPath(DIRECTORY, RECOVERY_POINT_CHECKPOINT));
  for (const [key, offset] of points) {
    const directory = joinPath(DIRECTORY, key.replace(" ", "-"));
    const names = new Set(await fileNames(disk, directory).catch(() => []));
    const snapshot = offsetFileName(offset, PRODUCER_SNAPSHOT_SUFFIX);
    const segment = offsetFileName(offset, LOG_SUFFIX);
    const beginsSegment = names.has(segment) || names.has(segment + SWAP_SUFFIX);
    if (beginsSegment || !names.has(snapshot)) continue;
    try {
      decodeProducerSnapshot(await disk.readFile(joinPath(directory, snapshot)), START_MS);
    } catch (error) {
      throw new Violation(`${key}: the snapshot at the recovery point ${offset} is damaged: ${error}`);
    }
  }
}

function checkBounds(kind: CrashKind, model: LogModel, log: SegmentedLog): void {
  const { logStartOffset, lastStableOffset, highWatermark, logEndOffset, recoveryPoint } = log;
  const text = () =>
    `${model.name}: start ${logStartOffset}, LSO ${lastStableOffset}, HW ${highWatermark}, end ${logEndOffset}, recovery point ${recoveryPoint}`;
  insist(
    logStartOffset <= lastStableOffset && lastStableOffset <= highWatermark && highWatermark <= logEndOffset,
    text,
  );
  insist(recoveryPoint <= logEndOffset, text);
  const startMin = kind === "process" ? model.startAfterKill : model.startAfterPowerCut;
  insist(logStartOffset >= startMin, () => `${text()}: records below ${startMin} were deleted for good`);
}

async function segmentStarts(disk: Disk, { directory }: SegmentedLog): Promise<ReadonlySet<number>> {
  return new Set((await fileNames(disk, directory)).flatMap((name) => offsetOfFileName(name, LOG_SUFFIX) ?? []));
}

/**
 * What must be there is there, and nothing is missing in between. A segment's end that was never synced may be gone
 * though the next segment is there: as in Kafka, for compaction leaves the same picture.
 */
function checkNothingMissed(
  kind: CrashKind,
  model: LogModel,
  found: readonly WrittenBatch[],
  starts: ReadonlySet<number>,
): void {
  const guaranteedEnd = model.guaranteedEnd(kind);
  const present = new Set(found);
  for (const one of model.batches) {
    const isGuaranteed = one.lastOffset < guaranteedEnd && one.lastOffset >= model.startMax;
    insist(!isGuaranteed || present.has(one), () => {
      const what = kind === "process" ? "acknowledged" : "synced";
      return `${model.name}: the batch [${one.baseOffset}, ${one.lastOffset}] was ${what} and is gone; the log has ${text(found)}`;
    });
  }
  for (const [i, one] of found.entries()) {
    const previous = found[i - 1];
    if (previous === undefined || one.baseOffset < model.startMax) continue;
    if (model.behindGaps.has(one.baseOffset) || (kind === "power" && starts.has(one.baseOffset))) continue;
    insist(one.previousEnd === previous.lastOffset + 1 || previous.lastOffset < model.startMax, () => {
      return `${model.name}: between ${previous.lastOffset} and ${one.baseOffset} records are missing: ${text(found)}`;
    });
  }
}

function text(found: readonly WrittenBatch[]): string {
  return found.map((one) => `[${one.baseOffset}, ${one.lastOffset}]`).join(" ");
}

/** A killed process leaves exactly what it had written: nothing that it had truncated. */
function checkNothingOldIsBack(model: LogModel, found: readonly WrittenBatch[]): void {
  const possible = new Set([...model.batches, ...model.pending]);
  for (const one of found) {
    insist(possible.has(one), () => `${model.name}: the batch at ${one.baseOffset} had been truncated and is back`);
  }
}

async function checkFiles(disk: Disk, model: LogModel, log: SegmentedLog): Promise<void> {
  const leftOver = (await fileNames(disk, log.directory)).filter((name) => /\.(cleaned|swap|deleted)$/.test(name));
  insist(leftOver.length === 0, () => `${model.name}: the start has left ${leftOver}`);
  const verified = await verifyDirectory(disk, log.directory);
  // Snapshots are synced later than they are made. Their CRC tells, and then the state is read from the log.
  // The epoch checkpoint may be older than what recovery found; what the log says of epochs is checked by itself.
  const isOfOldCheckpoint = (problem: string) => /leader epoch checkpoint says|is said to begin at/.test(problem);
  const damages = verified.damages.filter(
    ({ path, problem }) => !path.endsWith(".snapshot") && !isOfOldCheckpoint(problem),
  );
  insist(damages.length === 0, () => `${model.name}: ${JSON.stringify(damages)}`);
}

function checkEpochs(model: LogModel, log: SegmentedLog, found: readonly WrittenBatch[]): void {
  for (const { baseOffset, lastOffset, leaderEpoch } of found.filter((one) => one.baseOffset >= model.startMax)) {
    const epoch = log.epochForOffset(Math.max(baseOffset, Math.min(lastOffset, log.logStartOffset)));
    insist(epoch === leaderEpoch, () => `${model.name}: offset ${baseOffset} is of epoch ${leaderEpoch}, not ${epoch}`);
  }
}

function checkStable(model: LogModel, log: SegmentedLog, history: readonly WrittenBatch[]): void {
  const open = openTransactions(history);
  const stable = Math.min(log.logEndOffset, ...open.values());
  // A transaction that began below the log start is known from a snapshot alone.
  const isStable =
    log.lastStableOffset === Math.max(stable, log.logStartOffset) || log.lastStableOffset === log.logStartOffset;
  insist(isStable, () => `${model.name}: LSO is ${log.lastStableOffset}; its records say ${stable}: ${text(history)}`);
}

async function checkAborted(model: LogModel, log: SegmentedLog, found: readonly WrittenBatch[]): Promise<void> {
  const told: AbortedTransaction[] = [];
  for (let offset = log.logStartOffset; offset < log.lastStableOffset; ) {
    const read = await log.read(offset, { maxBytes: 300, minOneBatch: true, limit: "lastStable" });
    told.push(...read.abortedTransactions);
    const last = found.find((one) => one.lastOffset >= offset);
    read.release();
    if (read.sizeBytes === 0 || last === undefined) break;
    offset = last.lastOffset + 1;
  }
  for (const one of abortedTransactions(found.filter((one) => one.lastOffset < log.lastStableOffset))) {
    // A power cut may have taken the marker of the one before it, whose records lie below the log start: then the log
    // knows both as one, which began there.
    const isTold = ({ producerId, firstOffset }: AbortedTransaction) =>
      producerId === one.producerId &&
      (firstOffset === one.firstOffset || (one.mayBeginEarlier && firstOffset < log.logStartOffset));
    insist(told.some(isTold), () => {
      return `${model.name}: readers are not told that transaction ${one.producerId}@${one.firstOffset} was aborted`;
    });
  }
}

/** Whatever was written last can be sent again and is recognized, also where its records were compacted away. */
function checkProducers(model: LogModel, log: SegmentedLog, history: readonly WrittenBatch[]): void {
  const last = new Map<number, WrittenBatch>();
  for (const one of history) {
    if (one.producer !== null && one.transaction !== "commit" && one.transaction !== "abort")
      last.set(one.producer.id, one);
  }
  for (const one of last.values()) {
    const again = log.appendAsLeader(one.bytes.slice(), { leaderEpoch: one.leaderEpoch, origin: "client" });
    insist(again.isDuplicate && again.baseOffset === one.baseOffset, () => {
      return `${model.name}: the batch at ${one.baseOffset} of producer ${one.producer!.id} was taken a second time`;
    });
  }
}

async function checkTimestamps(
  random: Random,
  model: LogModel,
  log: SegmentedLog,
  found: readonly WrittenBatch[],
): Promise<void> {
  const records = found.flatMap((one) =>
    Array.from(model.recordsOf(one), ({ offset, timestampMs }) => ({ offset, timestampMs })),
  );
  const visible = records.filter((one) => one.offset >= log.logStartOffset);
  for (let i = 0; i < 3; i++) {
    const timestampMs = START_MS + random.nextInt(1 + records.length * 12);
    const expected = visible.find((one) => one.timestampMs >= timestampMs)?.offset ?? null;
    const actual = (await log.offsetForTimestamp(timestampMs, "logEnd"))?.offset ?? null;
    insist(actual === expected, () => `${model.name}: timestamp ${timestampMs} leads to ${actual}, not to ${expected}`);
  }
}
