import type { AbortedTransaction, LogRead } from "../partition-log.ts";
import type { LogState } from "./log-state.ts";

const NO_CHUNKS: readonly Uint8Array[] = [];
const NO_ABORTED: readonly AbortedTransaction[] = [];

/** What a read found, before the log's positions are added to it. */
export interface FoundBatches {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** The offset after the last batch found. */
  readonly endOffset: number;
  readonly release: () => void;
}

export function nothingFound(offset: number): FoundBatches {
  return { chunks: NO_CHUNKS, sizeBytes: 0, endOffset: offset, release: doNothing };
}

/** The answer to a read, with the log's positions as they are now. */
export function toLogRead(
  state: LogState,
  found: FoundBatches,
  abortedTransactions: readonly AbortedTransaction[] = NO_ABORTED,
): LogRead {
  return {
    chunks: found.chunks,
    sizeBytes: found.sizeBytes,
    highWatermark: state.highWatermark,
    lastStableOffset: state.lastStableOffset,
    logStartOffset: state.logStartOffset,
    abortedTransactions,
    release: found.release,
  };
}

export function doNothing(): void {}
