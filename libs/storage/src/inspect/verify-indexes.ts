import type { VerifyContext } from "./damage.ts";
import { type IndexContent, readOffsetIndex, readTimeIndex, readTransactionIndex } from "./index-entries.ts";
import { type BatchFacts, indexOfBatch, type SegmentFacts } from "./verify-log.ts";

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const TRANSACTION_ENTRY_BYTES = 34;

/** Holds every entry of a segment's `.index` to its log. */
export async function verifyOffsetIndex(
  context: VerifyContext,
  path: string,
  baseOffset: number,
  { batches }: SegmentFacts,
): Promise<void> {
  const content = readOffsetIndex(await context.disk.readFile(path), baseOffset);
  const at = reporter(context, path, OFFSET_ENTRY_BYTES, content);
  const byPosition = new Map(batches.map((batch) => [batch.position, batch]));
  let previous = { offset: -1, position: -1 };
  for (const [i, entry] of content.entries.entries()) {
    const { offset, position } = entry;
    const batch = byPosition.get(position);
    if (offset <= previous.offset) at(i, `offset ${offset} comes after ${previous.offset}`);
    if (position <= previous.position) at(i, `position ${position} comes after ${previous.position}`);
    if (batch === undefined) at(i, `no good batch begins at position ${position}`);
    else if (batch.lastOffset !== offset)
      at(i, `the batch at ${position} ends at ${batch.lastOffset}, not at ${offset}`);
    previous = entry;
  }
}

/** Holds every entry of a segment's `.timeindex` to its log. A segment that is not written to any more needs a last one. */
export async function verifyTimeIndex(
  context: VerifyContext,
  path: string,
  baseOffset: number,
  { batches }: SegmentFacts,
  options: { readonly isClosed: boolean },
): Promise<void> {
  const content = readTimeIndex(await context.disk.readFile(path), baseOffset);
  const at = reporter(context, path, TIME_ENTRY_BYTES, content);
  let previous = { timestampMs: -1, offset: -1 };
  for (const [i, entry] of content.entries.entries()) {
    const { timestampMs, offset } = entry;
    if (timestampMs <= previous.timestampMs) at(i, `timestamp ${timestampMs} comes after ${previous.timestampMs}`);
    if (offset < previous.offset) at(i, `offset ${offset} comes after ${previous.offset}`);
    const index = indexOfBatch(batches, offset);
    const batch = batches[index];
    if (batch === undefined || batch.baseOffset > offset) at(i, `offset ${offset} is in no batch of the segment`);
    else if (batch.maxTimestampMs !== timestampMs) {
      at(i, `the batch with offset ${offset} has timestamp ${batch.maxTimestampMs}, not ${timestampMs}`);
    } else if ((batches[index - 1]?.youngestMs ?? -1) > timestampMs) {
      at(i, `a record before offset ${offset} is younger than ${timestampMs}`);
    }
    previous = entry;
  }
  const youngestMs = batches.at(-1)?.youngestMs ?? -1;
  if (options.isClosed && previous.timestampMs < youngestMs) {
    at(content.entries.length, `it ends at timestamp ${previous.timestampMs}, the segment at ${youngestMs}`);
  }
}

/** Holds every entry of a segment's `.txnindex` to its log, and the aborted transactions of the log to the index. */
export async function verifyTransactionIndex(context: VerifyContext, path: string, facts: SegmentFacts): Promise<void> {
  const isPresent = (await context.disk.stat(path)) !== null;
  const content = readTransactionIndex(isPresent ? await context.disk.readFile(path) : new Uint8Array(0));
  const at = reporter(context, path, TRANSACTION_ENTRY_BYTES, content);
  let previousOffset = -1;
  for (const [i, entry] of content.entries.entries()) {
    const { version, producerId, firstOffset, lastOffset, lastStableOffset } = entry;
    if (version !== 0) at(i, `version ${version} is unknown`);
    if (lastOffset <= previousOffset) at(i, `last offset ${lastOffset} comes after ${previousOffset}`);
    if (firstOffset >= lastOffset) at(i, `first offset ${firstOffset} does not lie before last offset ${lastOffset}`);
    if (lastStableOffset < 0 || lastStableOffset > lastOffset + 1) {
      at(i, `last stable offset ${lastStableOffset} does not go with last offset ${lastOffset}`);
    }
    const marker = batchWith(facts.batches, lastOffset);
    if (marker !== undefined && marker.abortedBy !== producerId) {
      at(i, `the batch with offset ${lastOffset} aborts no transaction of producer ${producerId}`);
    }
    previousOffset = lastOffset;
  }
  for (const { producerId, firstOffset, lastOffset } of facts.aborts) {
    // Of what the transaction began with nothing may be left.
    const begins = (offset: number) => offset === firstOffset || (offset < firstOffset && facts.isGone(offset));
    const isKnown = content.entries.some(
      (entry) => entry.producerId === producerId && begins(entry.firstOffset) && entry.lastOffset === lastOffset,
    );
    if (isKnown) continue;
    at(null, `the transaction of producer ${producerId} from ${firstOffset} on, aborted at ${lastOffset}, is missing`);
  }
}

function batchWith(batches: readonly BatchFacts[], offset: number): BatchFacts | undefined {
  const batch = batches[indexOfBatch(batches, offset)];
  return batch !== undefined && batch.baseOffset <= offset ? batch : undefined;
}

/** Reports by number of the entry; null concerns the whole file. Says at once what is no entry at all. */
function reporter(
  { report }: VerifyContext,
  path: string,
  entryBytes: number,
  { entries, extraBytes, reservedEntries }: IndexContent<unknown>,
): (entry: number | null, problem: string) => void {
  const at = (entry: number | null, problem: string) =>
    report({ path, position: entry === null ? null : entry * entryBytes, problem });
  if (extraBytes > 0) at(entries.length + reservedEntries, `${extraBytes} bytes at the end are no whole entry`);
  return at;
}
