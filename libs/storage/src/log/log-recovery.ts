import {
  baseOffsetAt,
  checkBatchIntegrity,
  isControlBatchAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
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
 * last valid batch is cut off, and indexes, producer state and leader epochs are made anew for what was read.
 */
export async function recoverLog(state: LogState, recoveryPoint: number): Promise<void> {
  const { segments } = state;
  const fromOffset = Math.max(Math.min(recoveryPoint, endOfTrusted(state, recoveryPoint)), segments.first.baseOffset);
  state.recoveryPoint = fromOffset;
  for (const segment of segments.from(fromOffset)) await trimIndexes(segment, fromOffset);
  await rebuildProducers(state, fromOffset);
  let endOffset = fromOffset;
  for (const segment of segments.from(fromOffset)) {
    const isConnected = segment.baseOffset >= endOffset || segment.baseOffset <= fromOffset;
    const recovered = isConnected ? await recoverSegment(state, segment, fromOffset) : null;
    if (recovered === null) {
      await dropFrom(state, segment);
      break;
    }
    endOffset = Math.max(recovered.endOffset, segment.baseOffset);
    if (recovered.isWhole) continue;
    const next = segments.all[segments.all.indexOf(segment) + 1];
    if (next !== undefined) await dropFrom(state, next);
    break;
  }
  state.logEndOffset = endOffset;
  state.recoveryPoint = Math.min(state.recoveryPoint, endOffset);
}

/** A recovery point is only as good as the files it speaks of: it cannot lie in a segment that is not there. */
function endOfTrusted(state: LogState, recoveryPoint: number): number {
  const floor = state.segments.floorIndex(recoveryPoint);
  return floor < 0 ? state.segments.first.baseOffset : recoveryPoint;
}

/** Makes the indexes of a whole segment from its log. */
export async function rebuildIndexes(state: LogState, segment: Segment): Promise<void> {
  const { sizeBytes } = segment;
  await segment.truncateIndexesTo(segment.baseOffset);
  segment.sizeBytes = 0;
  await scanBatches(segment.log, state.env.pool, 0, sizeBytes, (bytes, position, batchBytes) => {
    segment.batchWritten(bytes, position, batchBytes, state.config.indexIntervalBytes);
    return true;
  });
  segment.sizeBytes = sizeBytes;
  await segment.finishIndexes();
}

/** Keeps the index entries that were synced before the crash, if the indexes make sense at all. */
async function trimIndexes(segment: Segment, fromOffset: number): Promise<void> {
  const isSane = await segment.hasSaneIndexes();
  await segment.truncateIndexesTo(isSane ? fromOffset : segment.baseOffset);
}

interface RecoveredSegment {
  readonly endOffset: number;
  /** False where its end had to be cut off: what follows in later segments does not connect to it. */
  readonly isWhole: boolean;
}

async function recoverSegment(state: LogState, segment: Segment, fromOffset: number): Promise<RecoveredSegment> {
  const fileBytes = segment.sizeBytes;
  const from = await segment.offsetIndex.lookup(fromOffset);
  let endOffset = segment.baseOffset;
  segment.sizeBytes = from;
  const end = await scanBatches(segment.log, state.env.pool, from, fileBytes, (bytes, position, sizeBytes) => {
    if (!isValidNext(bytes, position, segment, endOffset)) return false;
    endOffset = lastOffsetAt(bytes, position) + 1;
    takeBatch(state, segment, bytes, position, sizeBytes, fromOffset);
    return true;
  });
  if (end < fileBytes) {
    state.logger.warn("the end of the log was torn and is cut off", { position: end, cutBytes: fileBytes - end });
    await segment.log.use((file) => file.truncate(end));
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
  if (epoch > state.epochs.latest) state.epochs.assign(epoch, baseOffset);
  if (producerIdAt(bytes, position) <= NO_PRODUCER_ID) return;
  const { aborted } = state.producers.apply(bytes, position, state.env.runtime.clock.nowMs());
  if (aborted !== null && isControlBatchAt(bytes, position)) segment.transactionIndex.append(aborted);
}

async function dropFrom(state: LogState, first: Segment): Promise<void> {
  const { segments, env } = state;
  const dropped = segments.all.slice(segments.all.indexOf(first));
  state.logger.warn("segments that do not connect to the log are dropped", {
    baseOffsets: dropped.map((segment) => segment.baseOffset),
  });
  segments.remove(dropped);
  for (const segment of dropped) {
    await segment.close();
    for (const path of await segment.markDeleted(env.disk)) await env.disk.remove(path);
  }
}
