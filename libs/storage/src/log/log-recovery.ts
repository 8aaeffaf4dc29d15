import {
  baseOffsetAt,
  checkBatchIntegrity,
  isControlBatchAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_ID,
  partitionLeaderEpochAt,
  producerIdAt,
} from "@ottla/protocol/internal";
import { scanBatches } from "../segments/batch-scanner.ts";
import type { Segment } from "../segments/segment.ts";
import type { LogState } from "./log-state.ts";
import { rebuildProducers } from "./producer-replay.ts";

/**
 * Brings a log in order that was not closed: everything from `recoveryPoint` on is read and checked, what follows the
 * last valid batch is cut off, and indexes, producer state and leader epochs are made anew for what was read. So are indexes
 * that are missing before it.
 */
export async function recoverLog(
  state: LogState,
  recoveryPoint: number,
  lacksIndexes: (segment: Segment) => boolean,
): Promise<void> {
  const { segments } = state;
  const fromOffset = await firstUntrusted(state, recoveryPoint, lacksIndexes);
  // First of all: a crash while indexes are made anew must not leave empty ones that the checkpoint vouches for.
  if (fromOffset < recoveryPoint) await state.env.lowerRecoveryPoint(state.identity, fromOffset);
  state.recoveryPoint = fromOffset;
  // What they count may be lost: they were written before the records that they count were synced.
  await state.snapshots.removeWhere((offset) => offset > fromOffset);
  // A segment that ends at the recovery point may lack the last entry of its time index.
  const recovered = segments.from(fromOffset - 1);
  const before = segments.all.slice(0, -recovered.length);
  await makeMissingIndexes(
    state,
    before.filter((segment) => lacksIndexes(segment) || isLeftInTheMaking(segment)),
  );
  for (const segment of recovered) {
    await segment.markIndexesUnsynced(state.env.disk);
    await trimIndexes(segment, fromOffset);
  }
  await rebuildProducers(state, fromOffset);
  let endOffset = fromOffset;
  for (const segment of recovered) {
    const isConnected = segment.baseOffset >= endOffset || segment.baseOffset <= fromOffset;
    const found = isConnected ? await recoverSegment(state, segment, fromOffset) : null;
    if (found === null) {
      await dropFrom(state, segment);
      break;
    }
    endOffset = Math.max(found.endOffset, segment.baseOffset);
    if (found.isWhole) continue;
    const next = segments.all[segments.all.indexOf(segment) + 1];
    if (next !== undefined) await dropFrom(state, next);
    break;
  }
  state.logEndOffset = endOffset;
  state.recoveryPoint = Math.min(state.recoveryPoint, endOffset);
}

/**
 * Where reading must begin. A recovery point is only as good as the files it speaks of: it cannot lie in a segment that
 * is not there, and where the indexes of its segment make no sense they are made anew from the segment's start.
 */
async function firstUntrusted(
  state: LogState,
  recoveryPoint: number,
  lacksIndexes: (segment: Segment) => boolean,
): Promise<number> {
  const { segments } = state;
  const segment =
    segments.all[segments.floorIndex(recoveryPoint - 1)] ?? segments.all[segments.floorIndex(recoveryPoint)];
  if (segment === undefined) return segments.first.baseOffset;
  const isTrusted =
    !lacksIndexes(segment) &&
    (await segment.hasSaneIndexes()) &&
    (await hasTrueTimeEntry(state, segment, recoveryPoint));
  return isTrusted ? recoveryPoint : segment.baseOffset;
}

/**
 * Whether the last entry of the time index that is kept is what the log says. Where it was being written over in a power
 * cut (its place was cut free by a truncation) it may be half old and half new, and yet be in order.
 */
async function hasTrueTimeEntry(state: LogState, segment: Segment, recoveryPoint: number): Promise<boolean> {
  const entry = await segment.timeIndex.lastBefore(recoveryPoint);
  if (entry === null) return true;
  let isTrue = false;
  const from = await segment.positionFor(entry.offset);
  await scanBatches(segment.log, state.env.pool, from, segment.sizeBytes, (bytes, position) => {
    const lastOffset = lastOffsetAt(bytes, position);
    isTrue = lastOffset === entry.offset && maxTimestampAt(bytes, position) === entry.timestampMs;
    return lastOffset < entry.offset;
  });
  return isTrue;
}

/** Whether a crash came while its indexes were made anew: the time index of a closed segment has an entry otherwise. */
function isLeftInTheMaking({ sizeBytes, timeIndex }: Segment): boolean {
  return sizeBytes > 0 && timeIndex.index.count === 0;
}

/** For segments of which nothing else is in doubt. */
export async function makeMissingIndexes(state: LogState, lacking: readonly Segment[]): Promise<void> {
  for (const segment of lacking) {
    const { baseOffset, sizeBytes } = segment;
    state.logger.warn("a segment's indexes are missing or cut off, and are made anew", { baseOffset, sizeBytes });
    await rebuildIndexes(state, segment);
  }
}

/**
 * Makes the offset and the time index of a whole segment from its log. The time index is the first to be emptied and the last
 * to be filled: after a crash at any moment it is missing or empty, or both are whole.
 */
async function rebuildIndexes(state: LogState, segment: Segment): Promise<void> {
  const { sizeBytes } = segment;
  await segment.timeIndex.truncateTo(Number.NEGATIVE_INFINITY);
  await segment.timeIndex.index.sync();
  await segment.truncateLookupIndexesTo(Number.NEGATIVE_INFINITY);
  segment.sizeBytes = 0;
  await scanBatches(segment.log, state.env.pool, 0, sizeBytes, (bytes, position, batchBytes) => {
    segment.batchFound(bytes, position, batchBytes, state.config.indexIntervalBytes);
    return true;
  });
  segment.sizeBytes = sizeBytes;
  await segment.offsetIndex.index.sync();
  await segment.addLastTimeEntry();
  await segment.timeIndex.index.syncAnew();
}

/** Keeps the index entries of what is not read again. */
async function trimIndexes(segment: Segment, fromOffset: number): Promise<void> {
  if (segment.baseOffset < fromOffset) await segment.truncateIndexesTo(fromOffset);
  else await segment.clearIndexes();
}

interface RecoveredSegment {
  readonly endOffset: number;
  /** False where its end had to be cut off: what follows in later segments does not connect to it. */
  readonly isWhole: boolean;
}

async function recoverSegment(state: LogState, segment: Segment, fromOffset: number): Promise<RecoveredSegment> {
  const fileBytes = segment.sizeBytes;
  const from = await segment.positionFor(fromOffset);
  let endOffset = segment.baseOffset;
  segment.sizeBytes = from;
  // Its length too may be the work of a recovery that was killed before it was on the disk: then nothing is left to read.
  segment.isUnsynced = true;
  const end = await scanBatches(segment.log, state.env.pool, from, fileBytes, (bytes, position, sizeBytes) => {
    if (!isValidNext(bytes, position, segment, endOffset) || !isOfItsEpoch(state, bytes, position)) return false;
    endOffset = lastOffsetAt(bytes, position) + 1;
    takeBatch(state, segment, bytes, position, sizeBytes, fromOffset);
    state.env.recovered(sizeBytes);
    return true;
  });
  if (end < fileBytes) {
    state.logger.warn("the end of the log was torn and is cut off", { position: end, cutBytes: fileBytes - end });
    await segment.cutFileForGood();
  }
  await segment.finishIndexes();
  return { endOffset, isWhole: end === fileBytes };
}

function isValidNext(bytes: Uint8Array, position: number, segment: Segment, endOffset: number): boolean {
  return (
    baseOffsetAt(bytes, position) >= Math.max(endOffset, segment.baseOffset) &&
    lastOffsetDeltaAt(bytes, position) >= 0 &&
    lastOffsetAt(bytes, position) - segment.baseOffset < 2 ** 31 &&
    checkBatchIntegrity(bytes, position) === null
  );
}

/** What an older leader wrote where the checkpoint knows a newer one was truncated once, and came back in a crash. */
function isOfItsEpoch({ epochs }: LogState, bytes: Uint8Array, position: number): boolean {
  const epoch = partitionLeaderEpochAt(bytes, position);
  return epoch === NO_PARTITION_LEADER_EPOCH || epoch >= epochs.epochFor(baseOffsetAt(bytes, position));
}

function takeBatch(
  state: LogState,
  segment: Segment,
  bytes: Uint8Array,
  position: number,
  sizeBytes: number,
  fromOffset: number,
): void {
  segment.batchWritten(bytes, position, sizeBytes, state.config.indexIntervalBytes);
  const baseOffset = baseOffsetAt(bytes, position);
  if (baseOffset < fromOffset) return;
  const epoch = partitionLeaderEpochAt(bytes, position);
  if (epoch > state.epochs.epochFor(baseOffset)) state.epochs.assign(epoch, baseOffset);
  if (producerIdAt(bytes, position) <= NO_PRODUCER_ID) return;
  const { aborted } = state.producers.apply(bytes, position, state.env.runtime.clock.nowMs());
  if (aborted !== null && isControlBatchAt(bytes, position)) segment.transactionIndex.append(aborted);
}

/**
 * For good, before anything is appended: a power cut would bring them back beside what has taken their place, and with it
 * records that their producers have sent again.
 */
async function dropFrom(state: LogState, first: Segment): Promise<void> {
  const { segments, env, identity } = state;
  const dropped = segments.all.slice(segments.all.indexOf(first));
  state.logger.warn("segments that do not connect to the log are dropped", {
    baseOffsets: dropped.map((segment) => segment.baseOffset),
  });
  segments.remove(dropped);
  for (const segment of dropped) {
    await segment.close();
    for (const path of await segment.markDeleted(env.disk)) await env.disk.remove(path);
  }
  await env.disk.syncDirectory(identity.directory);
}
