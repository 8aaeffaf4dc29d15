import {
  assignOffsets,
  batchSizeAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  NO_PRODUCER_ID,
  producerIdAt,
  setLogAppendTime,
} from "@ottla/protocol/internal";
import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";
import { AppendRejected } from "../log-errors.ts";
import type { LeaderAppendOptions } from "../partition-log.ts";
import type { ProducerUndo } from "../producers/producer-state.ts";
import type { QueuedAppend } from "./append-queue.ts";
import type { LogState } from "./log-state.ts";

const NONE: readonly never[] = [];

/**
 * Gives checked batches their offsets and takes them into the producers' state. Throws {@link AppendRejected} where a
 * producer's epoch, sequence or transaction forbids a batch; nothing has changed then but the batches' own offsets.
 */
export function placeLeaderBatches(
  state: LogState,
  bytes: Uint8Array,
  firstOffset: number,
  options: LeaderAppendOptions,
  nowMs: number,
): QueuedAppend {
  const stampMs = state.config.messageTimestampType === "LogAppendTime" ? nowMs : null;
  let nextOffset = firstOffset;
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    assignOffsets(bytes, position, nextOffset, options.leaderEpoch);
    if (stampMs !== null) setLogAppendTime(bytes, position, stampMs);
    nextOffset += lastOffsetDeltaAt(bytes, position) + 1;
  }
  return toQueuedAppend(state, bytes, firstOffset, false, nowMs, (position) => {
    state.producers.check(bytes, position, options);
  });
}

/** Takes batches that carry their offsets already, and are only lent, into the producers' state. */
export function placeFollowerBatches(
  state: LogState,
  bytes: Uint8Array,
  firstOffset: number,
  nowMs: number,
): QueuedAppend {
  return toQueuedAppend(state, bytes, firstOffset, true, nowMs, () => {});
}

function toQueuedAppend(
  state: LogState,
  bytes: Uint8Array,
  baseOffset: number,
  isLent: boolean,
  nowMs: number,
  check: (position: number) => void,
): QueuedAppend {
  let undos: ProducerUndo[] | null = null;
  let aborted: AbortedTransactionEntry[] | null = null;
  let lastOffset = baseOffset;
  let maxTimestampMs = -1;
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    lastOffset = lastOffsetAt(bytes, position);
    maxTimestampMs = Math.max(maxTimestampMs, maxTimestampAt(bytes, position));
    if (producerIdAt(bytes, position) <= NO_PRODUCER_ID) continue;
    try {
      check(position);
    } catch (error) {
      if (undos !== null) state.producers.undo(undos.reverse(), baseOffset);
      throw error;
    }
    const applied = state.producers.apply(bytes, position, nowMs);
    undos ??= [];
    undos.push(applied.undo);
    if (applied.aborted === null) continue;
    aborted ??= [];
    aborted.push(applied.aborted);
  }
  return {
    bytes,
    sizeBytes: bytes.length,
    baseOffset,
    lastOffset,
    isLent,
    firstTimestampMs: maxTimestampAt(bytes, 0),
    maxTimestampMs,
    undos: undos ?? NONE,
    aborted: aborted ?? NONE,
  };
}

/** Follower batches must go on where the log ends, in ascending order; gaps are what compaction leaves. */
export function checkFollowerOffsets(bytes: Uint8Array, nextOffset: number): void {
  let expected = nextOffset;
  for (let position = 0; position < bytes.length; position += batchSizeAt(bytes, position)) {
    const baseOffset = lastOffsetAt(bytes, position) - lastOffsetDeltaAt(bytes, position);
    if (baseOffset < expected || lastOffsetDeltaAt(bytes, position) < 0) {
      throw new AppendRejected(OFFSETS_OUT_OF_ORDER, `a batch at offset ${baseOffset} cannot follow ${expected - 1}`);
    }
    expected = lastOffsetAt(bytes, position) + 1;
  }
}

/** Kafka has no code of its own for it: a follower that meets this has a bug, or a corrupt leader. */
const OFFSETS_OUT_OF_ORDER = -1;
