import { baseOffsetAt, lastOffsetAt } from "@ottla/protocol/internal";
import { scanBatches } from "../segments/batch-scanner.ts";
import { NEW_SEGMENT, Segment } from "../segments/segment.ts";
import type { LogState } from "./log-state.ts";
import { rebuildProducers } from "./producer-replay.ts";
import type { SegmentDeleter } from "./segment-deleter.ts";

/**
 * Removes every record at or above `offset`. A batch that `offset` falls into goes as a whole, so the log may end
 * before `offset`. Nothing may be appended or flushed meanwhile.
 */
export async function truncateLog(state: LogState, deleter: SegmentDeleter, offset: number): Promise<void> {
  const { segments } = state;
  // A leadership that wrote nothing leaves an epoch at the log's end, which another leader may not know.
  if (offset >= state.logEndOffset) return state.epochs.truncateFromEnd(state.logEndOffset);
  const { first } = segments;
  if (offset < first.baseOffset) return await restartLog(state, deleter, offset);
  await lowerRecoveryPoint(state, offset);
  await wholly(state, async () => {
    // The first one stays, be it empty: its name says where the log starts.
    await deleteFromTheEnd(
      deleter,
      segments.all.filter((segment) => segment !== first && segment.baseOffset >= offset),
    );
    const endOffset = await truncateActive(state, offset);
    state.epochs.truncateFromEnd(endOffset);
    await finishTruncation(state, endOffset);
  });
}

/** Once segments go, the log is not what it was: whatever stops this half-way, a full disk too, must not have it written to. */
function wholly(state: LogState, action: () => Promise<void>): Promise<void> {
  return state.failingBy(() => true, action);
}

/**
 * One by one, each for good before the next: whatever crash comes in between leaves a shorter log, and no gap in it that nobody
 * would fill. Where it ends, its leader is asked for what follows.
 */
async function deleteFromTheEnd(deleter: SegmentDeleter, segments: readonly Segment[]): Promise<void> {
  for (const segment of [...segments].reverse()) await deleter.delete([segment]);
}

/** Removes everything: the log begins and ends at `offset` afterwards. */
export async function restartLog(state: LogState, deleter: SegmentDeleter, offset: number): Promise<void> {
  const { env, identity, segments } = state;
  const [first, ...later] = segments.all;
  const segment = new Segment(env.files, identity.directory, offset, NEW_SEGMENT, env.runtime.clock.nowMs());
  await lowerRecoveryPoint(state, offset);
  await wholly(state, async () => {
    await deleteFromTheEnd(deleter, later);
    // In the turn in which the last one leaves the list: others look at the first one meanwhile.
    segments.add(segment);
    await deleter.delete([first!]);
    await segment.log.make();
    // Its name says where the log starts, from now on.
    await state.nameMade();
    state.epochs.clear();
    await state.snapshots.removeWhere(() => true);
    state.logStartOffset = offset;
    await finishTruncation(state, offset);
  });
}

/** Cuts the last segment before the batch that ends at or after `offset`; returns where the log ends then. */
async function truncateActive(state: LogState, offset: number): Promise<number> {
  const { active } = state.segments;
  let endOffset = offset;
  const from = await active.positionFor(offset);
  const position = await scanBatches(active.log, state.env.pool, from, active.sizeBytes, (bytes, at) => {
    if (lastOffsetAt(bytes, at) < offset) return true;
    endOffset = Math.min(offset, baseOffsetAt(bytes, at));
    return false;
  });
  await active.truncateTo(endOffset, position);
  return endOffset;
}

async function finishTruncation(state: LogState, endOffset: number): Promise<void> {
  const { snapshots, tail } = state;
  tail.clear();
  await snapshots.removeWhere((offset) => offset > endOffset);
  await rebuildProducers(state, endOffset);
  await lowerRecoveryPoint(state, endOffset);
  state.setLogEndOffset(endOffset);
  state.producers.highWatermarkMoved(state.highWatermark);
}

/** First of all: a crash in the midst of a truncation must find that what is cut cannot be relied on. */
async function lowerRecoveryPoint(state: LogState, offset: number): Promise<void> {
  if (state.recoveryPoint <= offset) return;
  state.recoveryPoint = offset;
  await state.env.lowerRecoveryPoint(state.identity, offset);
}
