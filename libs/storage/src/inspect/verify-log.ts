import { CorruptRecordError } from "@ottla/protocol";
import {
  baseOffsetAt,
  isControlBatchAt,
  isTransactionalAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  producerIdAt,
  recordsCountAt,
} from "@ottla/protocol/internal";
import type { EpochEntry } from "../files/checkpoint-file.ts";
import { readMarker } from "../producers/marker.ts";
import { type WalkedBatch, walkBatches } from "./batch-walk.ts";
import type { VerifyContext } from "./damage.ts";

/** What the checks of a segment's indexes need to know of its batches. */
export interface BatchFacts {
  readonly position: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
  /** The largest timestamp in the segment up to this batch. */
  readonly youngestMs: number;
  /** Of a marker that aborts a transaction: its producer; null else. */
  readonly abortedBy: number | null;
}

/** An aborted transaction with its records in the log, which the transaction index must know. */
export interface AbortFacts {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** A segment's batches that are whole, by ascending position. */
export interface SegmentFacts {
  readonly batches: readonly BatchFacts[];
  readonly aborts: readonly AbortFacts[];
  /** Whether the log has no batch with this offset any more: it was compacted away, or deleted. */
  isGone(offset: number): boolean;
}

/** Goes through a partition's segments in order, and keeps what must hold from one to the next. */
export class LogVerifier {
  readonly #context: VerifyContext;
  readonly #epochs: readonly EpochEntry[];
  /** First offsets of the transactions that are open where the walk has come to. */
  readonly #open = new Map<number, number>();
  /** Where ranges of offsets without batches begin, and where they end. */
  readonly #gaps = { starts: [] as number[], ends: [] as number[] };
  #endOffset = 0;
  #leaderEpoch = -1;

  constructor(context: VerifyContext, epochs: readonly EpochEntry[]) {
    this.#context = context;
    this.#epochs = epochs;
  }

  /** The offset after the last batch seen so far. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** @param limitOffset where the next segment begins */
  async verify(path: string, baseOffset: number, limitOffset: number): Promise<SegmentFacts> {
    const batches: BatchFacts[] = [];
    const aborts: AbortFacts[] = [];
    const { disk, report, onRead } = this.#context;
    this.#passTo(baseOffset);
    for await (const walked of walkBatches(disk, path, onRead)) {
      const at = (problem: string) => report({ path, position: walked.filePosition, problem });
      if (walked.problem !== null) at(walked.problem);
      if (walked.sizeBytes === 0 || walked.problem !== null) continue;
      this.#checkOrder(walked, baseOffset, limitOffset, at);
      const facts = factsOf(walked, batches.at(-1)?.youngestMs ?? -1);
      batches.push(facts);
      this.#follow(walked, facts, aborts);
    }
    return { batches, aborts, isGone: (offset) => this.#isGone(offset) };
  }

  #passTo(offset: number): void {
    if (offset <= this.#endOffset) return;
    this.#gaps.starts.push(this.#endOffset);
    this.#gaps.ends.push(offset);
    this.#endOffset = offset;
  }

  #isGone(offset: number): boolean {
    const { starts, ends } = this.#gaps;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low < starts.length && starts[low]! <= offset;
  }

  #checkOrder(walked: WalkedBatch, baseOffset: number, limitOffset: number, at: (problem: string) => void): void {
    const { bytes, position } = walked;
    const [first, last] = [baseOffsetAt(bytes, position), lastOffsetAt(bytes, position)];
    if (first < baseOffset) at(`the batch begins at offset ${first}, before its segment's ${baseOffset}`);
    else if (first < this.#endOffset) at(`the batch begins at offset ${first}, where ${this.#endOffset} is the next`);
    if (last >= limitOffset) at(`the batch ends at offset ${last}, and the next segment begins at ${limitOffset}`);
    if (last - baseOffset >= 2 ** 31) at(`offset ${last} is too far from the segment's ${baseOffset}`);
    const delta = lastOffsetDeltaAt(bytes, position);
    const count = recordsCountAt(bytes, position);
    if (delta < 0 || count < 0 || count > delta + 1) at(`${count} records do not go with last offset delta ${delta}`);
    this.#passTo(first);
    this.#endOffset = Math.max(this.#endOffset, last + 1);
    this.#checkEpoch(partitionLeaderEpochAt(bytes, position), first, at);
  }

  #checkEpoch(epoch: number, offset: number, at: (problem: string) => void): void {
    if (epoch < this.#leaderEpoch) at(`leader epoch ${epoch} comes after ${this.#leaderEpoch}`);
    this.#leaderEpoch = Math.max(epoch, this.#leaderEpoch);
    const index = this.#epochs.findLastIndex((entry) => entry.startOffset <= offset);
    const known = this.#epochs[index];
    const isNewer = index === this.#epochs.length - 1 && known !== undefined && epoch > known.epoch;
    if (known === undefined || epoch < 0 || epoch === known.epoch || isNewer) return;
    at(`leader epoch ${epoch} at offset ${offset}, where the leader epoch checkpoint says ${known.epoch}`);
  }

  #follow(walked: WalkedBatch, facts: BatchFacts, aborts: AbortFacts[]): void {
    const { bytes, position } = walked;
    if (!isTransactionalAt(bytes, position)) return;
    const producerId = producerIdAt(bytes, position);
    const firstOffset = this.#open.get(producerId);
    if (!isControlBatchAt(bytes, position)) {
      if (firstOffset === undefined) this.#open.set(producerId, facts.baseOffset);
      return;
    }
    this.#open.delete(producerId);
    const isAbort = facts.abortedBy !== null && firstOffset !== undefined;
    if (isAbort) aborts.push({ producerId, firstOffset, lastOffset: facts.lastOffset });
  }
}

function factsOf({ bytes, position, filePosition }: WalkedBatch, youngestMs: number): BatchFacts {
  const isAbort = isControlBatchAt(bytes, position) && markerType(bytes, position) === "abort";
  const maxTimestampMs = maxTimestampAt(bytes, position);
  return {
    position: filePosition,
    baseOffset: baseOffsetAt(bytes, position),
    lastOffset: lastOffsetAt(bytes, position),
    maxTimestampMs,
    youngestMs: Math.max(youngestMs, maxTimestampMs),
    abortedBy: isAbort ? producerIdAt(bytes, position) : null,
  };
}

/** The type of the marker in a control batch; null where it is no marker, or where the header is not right. */
function markerType(bytes: Uint8Array, position: number): "commit" | "abort" | null {
  try {
    return readMarker(bytes, position)?.type ?? null;
  } catch (error) {
    if (error instanceof CorruptRecordError) return null;
    throw error;
  }
}

/** Where the first batch stands that ends at or after `offset`; the number of batches where there is none. */
export function indexOfBatch(batches: readonly BatchFacts[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (batches[middle]!.lastOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
