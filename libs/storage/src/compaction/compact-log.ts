import { CLEANED_SUFFIX, joinPath } from "../files/names.ts";
import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";
import type { LogState } from "../log/log-state.ts";
import type { Cleanable } from "./cleanable.ts";
import type {
  CleanedGroup,
  CompactionExecutor,
  CompactionJob,
  CompactionLimits,
  LastOfProducer,
} from "./compaction-job.ts";

/**
 * Compacts what is cleanable in a log, in as many passes as the map of keys needs. `swap` puts each group in place.
 * Leaves no `.cleaned` file behind, whatever happens.
 */
export async function compactLog(
  state: LogState,
  cleanable: Cleanable,
  executor: CompactionExecutor,
  limits: CompactionLimits,
  flush: () => Promise<void>,
  swap: (group: CleanedGroup) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let { firstDirtyOffset } = cleanable;
  try {
    while (firstDirtyOffset < cleanable.endOffset) {
      const lastOfProducers = await durableLastOfProducers(state, flush);
      const job = await createJob(state, firstDirtyOffset, cleanable.endOffset, limits, lastOfProducers);
      const { cleanedEndOffset } = await executor(job, swap, signal);
      firstDirtyOffset = cleanedEndOffset;
      state.cleanedEndOffset = cleanedEndOffset;
    }
  } finally {
    await removeCleaned(state);
  }
}

async function createJob(
  state: LogState,
  firstDirtyOffset: number,
  endOffset: number,
  limits: CompactionLimits,
  lastOfProducers: CompactionJob["lastOfProducers"],
): Promise<CompactionJob> {
  const { config, env, identity, segments } = state;
  const aborted: AbortedTransactionEntry[] = [];
  for (const segment of segments.all) {
    aborted.push(...(await segment.reading(async () => await segment.transactionIndex.entries())));
  }
  return {
    directory: identity.directory,
    segments: segments.all
      .filter((segment) => segment.baseOffset < endOffset)
      .map((segment) => ({
        baseOffset: segment.baseOffset,
        sizeBytes: segment.sizeBytes,
        offsetIndexBytes: segment.offsetIndex.index.sizeBytes,
        timeIndexBytes: segment.timeIndex.index.sizeBytes,
      })),
    firstDirtyOffset,
    endOffset,
    aborted,
    lastOfProducers,
    nowMs: env.runtime.clock.nowMs(),
    deleteRetentionMs: config.deleteRetentionMs,
    segmentBytes: config.segmentBytes,
    segmentIndexBytes: config.segmentIndexBytes,
    indexIntervalBytes: config.indexIntervalBytes,
    limits,
    seed: Math.floor(env.runtime.random.nextFloat() * 2 ** 32),
  };
}

/**
 * A power cut takes what is not synced. A producer's last batch may only go when a later one can no more be lost: so
 * what is the last now is made durable, and it stays as well as what has become the last meanwhile.
 */
async function durableLastOfProducers(
  state: LogState,
  flush: () => Promise<void>,
): Promise<CompactionJob["lastOfProducers"]> {
  const { producers } = state;
  const before = lastDataOffsets(producers);
  await flush();
  const after = lastDataOffsets(producers);
  const last = new Map<number, LastOfProducer>();
  for (const [producerId, { producerEpoch }] of producers.entries) {
    const offsets = [before.get(producerId), after.get(producerId)].filter((offset) => offset !== undefined);
    last.set(producerId, { producerEpoch, lastDataOffsets: offsets });
  }
  return last;
}

function lastDataOffsets({ entries }: LogState["producers"]): Map<number, number> {
  const offsets = new Map<number, number>();
  for (const [producerId, { batches }] of entries) {
    const last = batches.at(-1);
    if (last !== undefined) offsets.set(producerId, last.lastOffset);
  }
  return offsets;
}

async function removeCleaned({ env, identity, isClosed }: LogState): Promise<void> {
  if (isClosed) return;
  const names = (await env.disk.list(identity.directory)).map((entry) => entry.name);
  for (const name of names.filter((name) => name.endsWith(CLEANED_SUFFIX))) {
    await env.disk.remove(joinPath(identity.directory, name));
  }
}
