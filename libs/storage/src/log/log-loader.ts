import { baseOffsetAt, lastOffsetAt } from "@ottla/protocol/internal";
import { finishSwaps } from "../compaction/swap-recovery.ts";
import { readEpochCheckpoint } from "../files/checkpoint-file.ts";
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  joinPath,
  LEADER_EPOCH_CHECKPOINT,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  offsetOfFileName,
  PRODUCER_SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TEMPORARY_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../files/names.ts";
import type { LogConfig } from "../log-config.ts";
import { SnapshotFiles } from "../producers/snapshot-files.ts";
import { scanBatches } from "../segments/batch-scanner.ts";
import { NEW_SEGMENT, Segment } from "../segments/segment.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { makeMissingIndexes, recoverLog } from "./log-recovery.ts";
import { type LogEnvironment, type LogIdentity, LogState } from "./log-state.ts";
import { rebuildProducers } from "./producer-replay.ts";

/** What the checkpoints of the log directory say of a log, and how it was left. */
export interface LoadHints {
  readonly isCleanStop: boolean;
  readonly recoveryPoint: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly cleanedEndOffset: number;
  /** The directory was made a moment ago, and holds no segment yet. */
  readonly isNewDirectory: boolean;
  /** Whose log it is, and that it is there, is on the disk. */
  readonly isIdentitySynced: boolean;
}

/** Opens the log in a partition's directory, which exists. After an unclean stop it is recovered first. */
export async function loadLog(
  env: LogEnvironment,
  identity: LogIdentity,
  config: LogConfig,
  hints: LoadHints,
): Promise<LogState> {
  const names = hints.isNewDirectory ? new Set<string>() : await removeLeftovers(env, identity.directory);
  const state = await createState(env, identity, config, names);
  if (!hints.isIdentitySynced) state.identityUnsynced();
  for (const segment of await openSegments(env, identity.directory, names)) state.segments.add(segment);
  const isNew = state.segments.all.length === 0;
  if (isNew) await addFirstSegment(state, hints.logStartOffset);
  state.logStartOffset = Math.max(hints.logStartOffset, state.segments.first.baseOffset);
  // A killed process may have left names that no power cut would leave.
  if (!hints.isCleanStop) state.namesChanged();
  const lacksIndexes = (segment: Segment) => hasToMakeIndexes(segment, names);
  if (isNew || hints.isCleanStop) await openClean(state, lacksIndexes);
  else await recoverLog(state, hints.recoveryPoint, lacksIndexes);
  if (state.logEndOffset < state.logStartOffset) await startOver(state);
  await finishLoading(state, hints);
  return state;
}

async function removeLeftovers(env: LogEnvironment, directory: string): Promise<Set<string>> {
  const names = new Set((await env.disk.list(directory)).map((entry) => entry.name));
  for (const name of names) {
    const isLeftover = [DELETED_SUFFIX, CLEANED_SUFFIX, TEMPORARY_SUFFIX].some((suffix) => name.endsWith(suffix));
    if (!isLeftover && !isOrphan(name, names)) continue;
    await env.disk.remove(joinPath(directory, name));
    names.delete(name);
  }
  await finishSwaps(env, directory, names);
  return names;
}

/**
 * An index without its log: a crash came when the segment was being deleted. Another segment may get its name. (Where
 * the log is only waiting for its name, at the end of a swap, the index is its own.)
 */
function isOrphan(name: string, names: ReadonlySet<string>): boolean {
  return [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX].some((suffix) => {
    const baseOffset = offsetOfFileName(name, suffix);
    if (baseOffset === null) return false;
    const log = offsetFileName(baseOffset, LOG_SUFFIX);
    return !names.has(log) && !names.has(log + SWAP_SUFFIX);
  });
}

async function createState(
  env: LogEnvironment,
  identity: LogIdentity,
  config: LogConfig,
  names: ReadonlySet<string>,
): Promise<LogState> {
  const { directory } = identity;
  const hasEpochs = names.has(LEADER_EPOCH_CHECKPOINT);
  const entries = hasEpochs ? await readEpochCheckpoint(env.disk, joinPath(directory, LEADER_EPOCH_CHECKPOINT)) : [];
  const snapshotOffsets = offsetsOf(names, PRODUCER_SNAPSHOT_SUFFIX);
  const snapshots = new SnapshotFiles(env.disk, directory, env.runtime.logger, snapshotOffsets);
  return new LogState(env, identity, config, { epochs: new LeaderEpochs(entries), snapshots });
}

function offsetsOf(names: ReadonlySet<string>, suffix: string): number[] {
  const offsets: number[] = [];
  for (const name of names) {
    const offset = offsetOfFileName(name, suffix);
    if (offset !== null) offsets.push(offset);
  }
  return offsets.sort((a, b) => a - b);
}

function openSegments(env: LogEnvironment, directory: string, names: ReadonlySet<string>): Promise<Segment[]> {
  return Promise.all(
    offsetsOf(names, LOG_SUFFIX).map(async (baseOffset) => {
      const stat = async (suffix: string) => {
        const name = offsetFileName(baseOffset, suffix);
        return names.has(name) ? await env.disk.stat(joinPath(directory, name)) : null;
      };
      const [log, offsetIndex, timeIndex, transactionIndex] = await Promise.all(
        [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX].map(stat),
      );
      const sizes = {
        logBytes: log?.sizeBytes ?? 0,
        offsetIndexBytes: offsetIndex?.sizeBytes ?? 0,
        timeIndexBytes: timeIndex?.sizeBytes ?? 0,
        transactionIndexBytes: transactionIndex?.sizeBytes ?? 0,
      };
      return new Segment(env.files, directory, baseOffset, sizes, log?.modifiedMs ?? 0);
    }),
  );
}

async function addFirstSegment(state: LogState, baseOffset: number): Promise<void> {
  const { env, identity } = state;
  const segment = new Segment(env.files, identity.directory, baseOffset, NEW_SEGMENT, env.runtime.clock.nowMs());
  await segment.log.make();
  state.segments.add(segment);
  // The checkpoint does not repeat a log start that the first segment's name says: so that has to be on disk.
  if (baseOffset > 0) await state.nameMade();
  else state.namesChanged();
}

/** Whether an index that batches are found with is not there, or ends in the middle of an entry. */
function hasToMakeIndexes(segment: Segment, names: ReadonlySet<string>): boolean {
  const isThere = (suffix: string) => names.has(offsetFileName(segment.baseOffset, suffix));
  const isWhole = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX].every(isThere) && !segment.hasBrokenIndex;
  return segment.sizeBytes > 0 && !isWhole;
}

/** After a clean stop files are what they were left as: only the end of the last segment is looked at. */
async function openClean(state: LogState, lacksIndexes: (segment: Segment) => boolean): Promise<void> {
  await makeMissingIndexes(state, state.segments.all.filter(lacksIndexes));
  state.logEndOffset = await readEndOffset(state);
  state.recoveryPoint = state.logEndOffset;
  await rebuildProducers(state, state.logEndOffset);
}

/** The offset after the last batch. Reads from the last index entry on. */
async function readEndOffset(state: LogState): Promise<number> {
  const { active } = state.segments;
  let endOffset = active.baseOffset;
  if (active.sizeBytes === 0) return endOffset;
  await active.maxTimestamp();
  const from = await active.positionFor(Number.POSITIVE_INFINITY);
  const end = await scanBatches(active.log, state.env.pool, from, active.sizeBytes, (bytes, position, sizeBytes) => {
    if (baseOffsetAt(bytes, position) < active.baseOffset) return false;
    endOffset = lastOffsetAt(bytes, position) + 1;
    active.batchSeen(bytes, position, sizeBytes);
    return true;
  });
  if (end < active.sizeBytes) await cutUnreadableEnd(state, endOffset, end);
  return endOffset;
}

/** A clean stop leaves nothing like it: the files were changed by somebody else. What is appended must be readable. */
async function cutUnreadableEnd(state: LogState, endOffset: number, position: number): Promise<void> {
  const { active } = state.segments;
  state.logger.warn("the log ends in bytes that are no batch, and is cut there", {
    position,
    cutBytes: active.sizeBytes - position,
  });
  await active.truncateTo(endOffset, position);
}

/** A log whose end lies before its start has nothing to keep. */
async function startOver(state: LogState): Promise<void> {
  const { env, segments, logStartOffset } = state;
  state.logger.warn("the log ends before its start offset and begins anew", {
    logEndOffset: state.logEndOffset,
    logStartOffset,
  });
  const previous = [...segments.all];
  segments.remove(previous);
  for (const segment of previous) {
    await segment.close();
    for (const path of await segment.markDeleted(env.disk)) await env.disk.remove(path);
  }
  await addFirstSegment(state, logStartOffset);
  state.epochs.clear();
  await state.snapshots.removeWhere(() => true);
  state.producers.reset();
  state.logEndOffset = logStartOffset;
  await state.nameMade();
}

async function finishLoading(state: LogState, hints: LoadHints): Promise<void> {
  state.recoveryPoint = Math.min(state.recoveryPoint, state.logEndOffset);
  state.cleanedEndOffset = Math.min(hints.cleanedEndOffset, state.logEndOffset);
  await state.snapshots.removeWhere((offset) => offset > state.logEndOffset);
  state.epochs.truncateFromEnd(state.logEndOffset);
  state.epochs.truncateFromStart(state.logStartOffset);
  await state.segments.active.prepareForAppends();
  state.setHighWatermark(hints.highWatermark);
}
