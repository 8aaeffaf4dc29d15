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

/** The replay after one more entry of the log. */
export function replayEntry(replay: Replay, entry: MetadataEntry): Replay {
  const fresh: FreshLists = new Set();
  const { image, before } = entry.records.reduce(
    (state, record, index) => replayRecord(state, record, entry.baseOffset + index, entry.epoch, fresh),
    replay,
  );
  return { image: { ...image, offset: entry.endOffset - 1, epoch: entry.epoch }, before };
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

function noTransaction(does: string): CorruptMetadataError {
  return new CorruptMetadataError(`the metadata log ${does} a transaction that has not begun`);
}

/** What a snapshot holds; none is taken within a transaction. */
export function replayedSnapshot(snapshot: MetadataSnapshot): Replay {
  const offset = snapshot.endOffset - 1;
  const fresh: FreshLists = new Set();
  const image = snapshot.records.reduce(
    (before, record) => applyRecord(before, deserializeRecord(record), offset, snapshot.epoch, fresh),
    EMPTY_IMAGE,
  );
  return { image: { ...image, offset, epoch: snapshot.epoch }, before: null };
}
