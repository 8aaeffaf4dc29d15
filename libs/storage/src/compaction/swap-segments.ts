import { DiskError } from "@ottla/runtime";
import { CLEANED_SUFFIX, SWAP_SUFFIX } from "../files/names.ts";
import { isTransient } from "../log/disk-failure.ts";
import type { LogState } from "../log/log-state.ts";
import type { SegmentDeleter } from "../log/segment-deleter.ts";
import { Segment } from "../segments/segment.ts";
import type { CleanedGroup } from "./compaction-job.ts";

/** The log has changed under the compaction: what it has written is of no use. */
export class CompactionAborted extends Error {
  constructor(why: string) {
    super(`compaction was given up: ${why}`);
    this.name = "CompactionAborted";
  }
}

/** What fails for a moment in a swap is tried again this often, this far apart, before the log goes offline. */
const ATTEMPTS_MAX = 50;
const ATTEMPT_DELAY_MS = 100;

/**
 * Puts a cleaned segment in the place of those that it was made from. A crash at any point leaves one whole log:
 *
 * 1. The indexes are renamed from `.cleaned` to `.swap`, then the log. From here on the cleaned segment counts: a start
 *    that finds a `.log.swap` goes on with step 2, one that does not removes all `.cleaned` and `.swap` files.
 * 2. The sources are renamed to `.deleted`, the indexes get their own names, and last of all the log.
 *
 * Each step is durable before the next begins. Once the log is a `.swap` there is no way back: the rest is done, however
 * often it has to be tried, or the log goes offline and the next start does it. Readers of the sources go on reading
 * them. Nothing may be truncated or deleted meanwhile; appends go on.
 */
export async function swapSegments(state: LogState, deleter: SegmentDeleter, group: CleanedGroup): Promise<void> {
  const { env, identity, segments } = state;
  const sources = sourcesOf(state, group);
  const sizes = {
    logBytes: group.logBytes,
    offsetIndexBytes: group.offsetIndexBytes,
    timeIndexBytes: group.timeIndexBytes,
    transactionIndexBytes: group.transactionIndexBytes,
  };
  const { baseOffset } = sources[0]!;
  const { createdMs } = sources.at(-1)!;
  const cleaned = new Segment(env.files, identity.directory, baseOffset, sizes, createdMs, CLEANED_SUFFIX);
  const [log, ...indexes] = cleaned.files;
  const syncNames = () => env.disk.syncDirectory(identity.directory);
  for (const index of indexes) await index.rename(swapPath(index.path));
  await syncNames();
  await log!.rename(swapPath(log!.path)).catch((error) => {
    if (error instanceof DiskError && !isTransient(error)) state.fail(error);
    throw error;
  });
  await finished(state, syncNames);
  segments.replace(sources, cleaned);
  // What is in memory has records that are gone, and aborted ones whose index entries are.
  state.tail.dropBefore(segments.after(baseOffset)!.baseOffset);
  await finished(state, () => deleter.deleteReplaced(sources));
  for (const index of indexes) await finished(state, () => index.rename(finalPath(index.path)));
  await finished(state, syncNames);
  await finished(state, () => log!.rename(finalPath(log!.path)));
  await finished(state, syncNames);
}

/** Does a step that cannot be left out: again and again where it fails for a moment, and else the log goes offline. */
async function finished(state: LogState, step: () => Promise<void>): Promise<void> {
  const { timers } = state.env.runtime;
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (!isTransient(error) || attempt === ATTEMPTS_MAX) {
        state.fail(error);
        throw error;
      }
      await new Promise<void>((resolve) => void timers.schedule(ATTEMPT_DELAY_MS, resolve));
    }
  }
}

/** The segments that the group was made from, if they are all there still and have stayed what they were. */
function sourcesOf({ segments, isClosed, failure }: LogState, group: CleanedGroup): Segment[] {
  if (isClosed || failure !== null) throw new CompactionAborted("the log is closed or offline");
  const first = segments.floorIndex(group.sources[0]!);
  const found = segments.all.slice(Math.max(0, first), first + group.sources.length);
  const isSame = found.length === group.sources.length && found.every((one, i) => one.baseOffset === group.sources[i]);
  if (!isSame || found.includes(segments.active)) throw new CompactionAborted("its segments have changed");
  return found;
}

function swapPath(cleanedPath: string): string {
  return cleanedPath.slice(0, -CLEANED_SUFFIX.length) + SWAP_SUFFIX;
}

function finalPath(path: string): string {
  return path.slice(0, -SWAP_SUFFIX.length);
}
