import { applyRecord, CorruptMetadataError, type FreshLists } from "../image/apply-records.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../image/metadata-image.ts";
import { deserializeRecord } from "../records/record-serde.ts";
import type { MetadataEntry, MetadataSnapshot } from "./metadata-log.ts";

/** How far the log has been replayed. */
export interface Replay {
  /** After all that was read, the records of an open transaction too. */
  readonly image: MetadataImage;
  /** The image before the transaction that is open (KIP-868), or null where none is. */
  readonly before: MetadataImage | null;
}

export const NOTHING_REPLAYED: Replay = { image: EMPTY_IMAGE, before: null };

/** What may be acted on: a transaction's records count when it has ended. */
export function committedImage({ image, before }: Replay): MetadataImage {
  return before ?? image;
}

/** Records that are applied in one turn of the event loop: a millisecond or two. */
export const RECORDS_A_TURN = 128;

/** The replay after one more entry of the log. */
export function replayEntry(replay: Replay, entry: MetadataEntry): Replay {
  return finished(replayingEntry(replay, entry));
}

/** The same in pieces: whoever runs it may do something else between two of them. */
export function* replayingEntry(replay: Replay, entry: MetadataEntry): Generator<void, Replay> {
  const fresh: FreshLists = new Set();
  let state = replay;
  for (const [index, record] of entry.records.entries()) {
    if (index > 0 && index % RECORDS_A_TURN === 0) yield;
    const offset = entry.baseOffset + index;
    state = atItsPlace(entry.where, offset, () => replayRecord(state, record, offset, entry.epoch, fresh));
  }
  const { image, before } = state;
  return { image: { ...image, offset: entry.endOffset - 1, epoch: entry.epoch }, before };
}

function finished<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value as Result;
  }
}

function replayRecord(
  { image, before }: Replay,
  bytes: Uint8Array,
  offset: number,
  epoch: number,
  fresh: FreshLists,
): Replay {
  const record = deserializeRecord(bytes);
  const after = applyRecord(image, record, offset, epoch, fresh);
  switch (record.type) {
    case "BeginTransactionRecord":
      if (before !== null) throw new CorruptMetadataError("the metadata log begins a transaction within another one");
      // The image from before is kept.
      fresh.clear();
      return { image: after, before: image };
    case "EndTransactionRecord":
      if (before === null) throw noTransaction("ends");
      return { image: after, before: null };
    case "AbortTransactionRecord":
      if (before === null) throw noTransaction("aborts");
      return { image: { ...before, offset, epoch }, before: null };
    default:
      return { image: after, before };
  }
}

/** What cannot be replayed is said together with where it is: somebody has to mend it there. */
function atItsPlace<T>(where: string | undefined, offset: number, replay: () => T): T {
  try {
    return replay();
  } catch (cause) {
    const what = where === undefined ? "the metadata log" : `the ${where}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CorruptMetadataError(`${what} cannot be replayed at offset ${offset}: ${why}`, { cause });
  }
}

function noTransaction(does: string): CorruptMetadataError {
  return new CorruptMetadataError(`the metadata log ${does} a transaction that has not begun`);
}

/** What a snapshot holds, in pieces as {@link replayingEntry}; no snapshot is taken within a transaction. */
export function* replayingSnapshot(snapshot: MetadataSnapshot): Generator<void, Replay> {
  const offset = snapshot.endOffset - 1;
  const fresh: FreshLists = new Set();
  let image = EMPTY_IMAGE;
  for (const [index, record] of snapshot.records.entries()) {
    if (index > 0 && index % RECORDS_A_TURN === 0) yield;
    image = atItsPlace(snapshot.where, offset, () =>
      applyRecord(image, deserializeRecord(record), offset, snapshot.epoch, fresh),
    );
  }
  return { image: { ...image, offset, epoch: snapshot.epoch }, before: null };
}
