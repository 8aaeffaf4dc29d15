import type { Disk, DiskEntry } from "@ottla/runtime";
import {
  type EpochEntry,
  type PartitionOffsets,
  readEpochCheckpoint,
  readOffsetCheckpoint,
} from "../files/checkpoint-file.ts";
import { readMetaProperties } from "../files/meta-properties.ts";
import {
  CLEANER_CHECKPOINT,
  HIGH_WATERMARK_CHECKPOINT,
  isDeletedDirectoryName,
  joinPath,
  LEADER_EPOCH_CHECKPOINT,
  LOG_START_CHECKPOINT,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  offsetOfFileName,
  PRODUCER_SNAPSHOT_SUFFIX,
  parsePartitionDirectoryName,
  RECOVERY_POINT_CHECKPOINT,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../files/names.ts";
import { readTopicId } from "../files/partition-metadata.ts";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import { CorruptSnapshot, decodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import type { Damage, VerifyContext } from "./damage.ts";
import { verifyOffsetIndex, verifyTimeIndex, verifyTransactionIndex } from "./verify-indexes.ts";
import { LogVerifier } from "./verify-log.ts";

export type { Damage } from "./damage.ts";

export interface VerifyOptions {
  /** Told how much is done, of how much: in bytes of logs, and for each partition as many as cost what its files do. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of every damage as it is found. */
  readonly onDamage?: (damage: Damage) => void;
}

/** What was looked at, and what is wrong with it. */
export interface VerifyResult {
  readonly partitions: number;
  readonly segments: number;
  readonly logBytes: number;
  readonly damages: readonly Damage[];
}

/** To open and read a partition's small files takes as long as to check about so many bytes of its log. */
const PARTITION_COST_BYTES = 1024 * 1024;

/**
 * Checks a log directory, or one partition's: every CRC, the order of offsets and leader epochs, every index entry
 * against its log, snapshots and checkpoints. Changes nothing. Meant for a directory that no broker is writing to.
 */
export async function verifyDirectory(
  disk: Disk,
  directory: string,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const entries = await disk.list(directory);
  const partitions = partitionsBelow(directory, entries);
  const totalBytes = await logBytesOf(disk, partitions);
  const total = totalBytes + partitions.length * PARTITION_COST_BYTES;
  const damages: Damage[] = [];
  let done = 0;
  const context: VerifyContext = {
    disk,
    report(damage) {
      damages.push(damage);
      options.onDamage?.(damage);
    },
    onRead(sizeBytes) {
      done += sizeBytes;
      options.onProgress?.(done, total);
    },
  };
  let segments = 0;
  const endOffsets = new Map<string, number>();
  for (const partition of partitions) {
    const verified = await verifyPartition(context, partition);
    segments += verified.segments;
    endOffsets.set(partition, verified.endOffset);
    context.onRead(PARTITION_COST_BYTES);
  }
  const hasCompacted = entries.some(({ name }) => name === CLEANER_CHECKPOINT);
  const checkpoints = [...OFFSET_CHECKPOINTS, ...(hasCompacted ? [CLEANER_CHECKPOINT] : [])];
  await verifyCheckpoints(context, directory, checkpoints, endOffsets);
  return { partitions: partitions.length, segments, logBytes: totalBytes, damages };
}

/** Paths of the partition directories: those in `directory`, or itself. */
function partitionsBelow(directory: string, entries: readonly DiskEntry[]): string[] {
  if (entries.some(({ name }) => offsetOfFileName(name, LOG_SUFFIX) !== null)) return [directory];
  const names = entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
  const isPartition = (name: string) => parsePartitionDirectoryName(name) !== null && !isDeletedDirectoryName(name);
  return names
    .filter(isPartition)
    .sort()
    .map((name) => joinPath(directory, name));
}

async function logBytesOf(disk: Disk, partitions: readonly string[]): Promise<number> {
  let sizeBytes = 0;
  for (const partition of partitions) {
    for (const { name } of await disk.list(partition)) {
      if (offsetOfFileName(name, LOG_SUFFIX) === null) continue;
      sizeBytes += (await disk.stat(joinPath(partition, name)))?.sizeBytes ?? 0;
    }
  }
  return sizeBytes;
}

/** Of an index. A broker makes it anew when it starts after a clean stop. */
const MISSING = "the file is missing, and the segment has records";
/** Of an index: the segment was lost, or a crash came while it was being deleted. A broker removes the index when it starts. */
const LEFT_ALONE = "its segment's .log is missing";

async function verifyPartition(context: VerifyContext, directory: string) {
  const names = new Set((await context.disk.list(directory)).map((entry) => entry.name));
  const starts = [...names].flatMap((name) => offsetOfFileName(name, LOG_SUFFIX) ?? []).sort((a, b) => a - b);
  const epochs = await verifyEpochs(context, directory);
  const verifier = new LogVerifier(context, epochs);
  for (const [i, start] of starts.entries()) {
    const path = (suffix: string) => joinPath(directory, offsetFileName(start, suffix));
    const facts = await verifier.verify(path(LOG_SUFFIX), start, starts[i + 1] ?? Number.POSITIVE_INFINITY);
    const isThere = (suffix: string) => {
      const isPresent = names.has(offsetFileName(start, suffix));
      if (!isPresent && facts.batches.length > 0)
        context.report({ path: path(suffix), position: null, problem: MISSING });
      return isPresent;
    };
    if (isThere(OFFSET_INDEX_SUFFIX)) {
      await verifyOffsetIndex(context, path(OFFSET_INDEX_SUFFIX), start, facts);
    }
    if (isThere(TIME_INDEX_SUFFIX)) {
      await verifyTimeIndex(context, path(TIME_INDEX_SUFFIX), start, facts, { isClosed: i < starts.length - 1 });
    }
    await verifyTransactionIndex(context, path(TRANSACTION_INDEX_SUFFIX), facts);
  }
  reportIndexesLeftAlone(context, directory, names);
  reportEpochsBeyond(context, directory, epochs, verifier.endOffset);
  await verifySnapshots(context, directory, names);
  await guarded(context, directory, () => readTopicId(context.disk, directory));
  return { segments: starts.length, endOffset: verifier.endOffset };
}

function reportIndexesLeftAlone(context: VerifyContext, directory: string, names: ReadonlySet<string>): void {
  for (const name of [...names].sort()) {
    for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]) {
      const start = offsetOfFileName(name, suffix);
      if (start === null || names.has(offsetFileName(start, LOG_SUFFIX))) continue;
      context.report({ path: joinPath(directory, name), position: null, problem: LEFT_ALONE });
    }
  }
}

async function verifyEpochs(context: VerifyContext, directory: string): Promise<EpochEntry[]> {
  const path = joinPath(directory, LEADER_EPOCH_CHECKPOINT);
  const epochs = (await guarded(context, path, () => readEpochCheckpoint(context.disk, path))) ?? [];
  for (const [i, entry] of epochs.entries()) {
    const previous = epochs[i - 1];
    if (previous === undefined || (previous.epoch < entry.epoch && previous.startOffset < entry.startOffset)) continue;
    const problem = `epoch ${entry.epoch} from ${entry.startOffset} on comes after epoch ${previous.epoch} from ${previous.startOffset} on`;
    context.report({ path, position: null, problem });
  }
  return epochs;
}

/** An epoch begins at the log's end at the latest: that is where its leader found it. */
function reportEpochsBeyond(
  context: VerifyContext,
  directory: string,
  epochs: readonly EpochEntry[],
  endOffset: number,
): void {
  const path = joinPath(directory, LEADER_EPOCH_CHECKPOINT);
  for (const { epoch, startOffset } of epochs) {
    if (startOffset <= endOffset) continue;
    const problem = `epoch ${epoch} is said to begin at ${startOffset}; its log ends at ${endOffset}`;
    context.report({ path, position: null, problem });
  }
}

async function verifySnapshots(context: VerifyContext, directory: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    if (offsetOfFileName(name, PRODUCER_SNAPSHOT_SUFFIX) === null) continue;
    const path = joinPath(directory, name);
    await guarded(context, path, async () => decodeProducerSnapshot(await context.disk.readFile(path), 0));
  }
}

const OFFSET_CHECKPOINTS = [RECOVERY_POINT_CHECKPOINT, HIGH_WATERMARK_CHECKPOINT, LOG_START_CHECKPOINT];

async function verifyCheckpoints(
  context: VerifyContext,
  directory: string,
  checkpoints: readonly string[],
  endOffsets: ReadonlyMap<string, number>,
): Promise<void> {
  for (const name of checkpoints) {
    const path = joinPath(directory, name);
    const offsets = await guarded(context, path, () => readOffsetCheckpoint(context.disk, path));
    if (offsets !== null) checkOffsets(context, directory, path, offsets, endOffsets);
  }
  await guarded(context, directory, () => readMetaProperties(context.disk, directory));
}

function checkOffsets(
  context: VerifyContext,
  directory: string,
  path: string,
  offsets: PartitionOffsets,
  endOffsets: ReadonlyMap<string, number>,
): void {
  for (const [key, offset] of offsets) {
    const partition = key.replace(" ", "-");
    const endOffset = endOffsets.get(joinPath(directory, partition));
    if (endOffset === undefined || (offset >= 0 && offset <= endOffset)) continue;
    const where = offset < 0 ? "" : `; its log ends at ${endOffset}`;
    context.report({ path, position: null, problem: `${partition} is said to reach ${offset}${where}` });
  }
}

/** Runs `action`; a file that cannot be understood is reported. */
async function guarded<T>(context: VerifyContext, path: string, action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof LogDirectoryCorrupt)
      context.report({ path: error.path, position: null, problem: error.problem });
    else if (error instanceof CorruptSnapshot) context.report({ path, position: null, problem: error.message });
    else throw error;
    return null;
  }
}
