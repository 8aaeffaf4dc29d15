import { ErrorCode } from "@ottla/protocol";
import {
  baseOffsetAt,
  baseSequenceAt,
  incrementSequence,
  isControlBatchAt,
  isTransactionalAt,
  lastOffsetAt,
  lastSequenceAt,
  maxTimestampAt,
  NO_PRODUCER_EPOCH,
  NO_SEQUENCE,
  producerEpochAt,
  producerIdAt,
} from "@ottla/protocol/internal";
import type { AbortedTransactionEntry } from "../indexes/transaction-index.ts";
import { AppendRejected } from "../log-errors.ts";
import type { LeaderAppendOptions } from "../partition-log.ts";
import { readMarker } from "./marker.ts";
import {
  emptyProducerEntry,
  findDuplicate,
  NO_OFFSET,
  type ProducerBatch,
  type ProducerEntry,
  REMEMBERED_BATCHES,
} from "./producer-entry.ts";

/** What one batch changed, so that it can be taken back when the disk refuses the batch. */
export interface ProducerUndo {
  readonly producerId: number;
  readonly previous: ProducerEntry | undefined;
}

/** What applying a batch came to. */
export interface AppliedBatch {
  readonly undo: ProducerUndo;
  /** Set by a marker that aborts a transaction which had records here. */
  readonly aborted: AbortedTransactionEntry | null;
}

/**
 * What a partition knows of idempotent and transactional producers: for each the last batches and the open
 * transaction; of transactions that ended, those whose marker the high watermark has not reached.
 */
export class ProducerState {
  #entries = new Map<number, ProducerEntry>();
  /** First offsets of open transactions, by producer; ascending, for offsets only grow. */
  #openTransactions = new Map<number, number>();
  /** Ended transactions, by first offset; the value is their marker's offset. */
  #unreplicated = new Map<number, number>();

  get entries(): ReadonlyMap<number, ProducerEntry> {
    return this.#entries;
  }

  /** Where the first transaction begins that is open, or ended above the high watermark; null when there is none. */
  get firstUnstableOffset(): number | null {
    // Asked at every read; nearly always there is none.
    if (this.#openTransactions.size === 0 && this.#unreplicated.size === 0) return null;
    let first: number | null = null;
    for (const offset of this.#openTransactions.values()) {
      first = offset;
      break;
    }
    for (const offset of this.#unreplicated.keys()) {
      if (first === null || offset < first) first = offset;
    }
    return first;
  }

  /** The earlier append of the same batch, if the producer has sent it before. */
  findDuplicate(bytes: Uint8Array, position: number): ProducerBatch | undefined {
    const entry = this.#entries.get(producerIdAt(bytes, position));
    if (entry === undefined || isControlBatchAt(bytes, position)) return undefined;
    const sequence = baseSequenceAt(bytes, position);
    return findDuplicate(entry, producerEpochAt(bytes, position), sequence, lastSequenceAt(bytes, position));
  }

  /** Whether the producer has an open transaction that began in this epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#entries.get(producerId);
    return entry !== undefined && entry.transactionFirstOffset !== NO_OFFSET && entry.producerEpoch === producerEpoch;
  }

  /** Throws {@link AppendRejected} where a leader must not append the batch. The batch has a producer id. */
  check(
    bytes: Uint8Array,
    position: number,
    { origin, transactionVersion = 0 }: Pick<LeaderAppendOptions, "origin" | "transactionVersion">,
  ): void {
    const entry = this.#entries.get(producerIdAt(bytes, position));
    if (entry === undefined) return;
    checkEpoch(entry, bytes, position);
    if (isControlBatchAt(bytes, position)) checkMarker(entry, bytes, position, transactionVersion);
    else checkTransaction(entry, bytes, position);
    // What a coordinator writes in a producer's name (offsets of a transaction) carries no sequence.
    if (origin === "client") checkSequence(entry, producerEpochAt(bytes, position), baseSequenceAt(bytes, position));
  }

  /** Takes a batch with a producer id and final offsets into account. */
  apply(bytes: Uint8Array, position: number, nowMs: number): AppliedBatch {
    const producerId = producerIdAt(bytes, position);
    const previous = this.#entries.get(producerId);
    const entry = previous ?? emptyProducerEntry(producerId);
    const undo = { producerId, previous };
    if (isControlBatchAt(bytes, position)) return { undo, aborted: this.#applyMarker(entry, bytes, position, nowMs) };
    this.#applyData(entry, bytes, position, nowMs);
    return { undo, aborted: null };
  }

  /** Takes back what `apply` did, in reverse order of application, as if the log ended at `logEndOffset`. */
  undo(undos: readonly ProducerUndo[], logEndOffset: number): void {
    for (const { producerId, previous } of undos) {
      if (previous === undefined) this.#entries.delete(producerId);
      else this.#entries.set(producerId, previous);
    }
    this.#collectOpenTransactions();
    for (const [firstOffset, lastOffset] of this.#unreplicated) {
      if (lastOffset >= logEndOffset) this.#unreplicated.delete(firstOffset);
    }
  }

  /** Markers below the high watermark hold nothing back any more. */
  highWatermarkMoved(highWatermark: number): void {
    for (const [firstOffset, lastOffset] of this.#unreplicated) {
      if (lastOffset < highWatermark) this.#unreplicated.delete(firstOffset);
    }
  }

  /** Starts from a snapshot's entries, or from nothing. */
  reset(entries: readonly ProducerEntry[] = []): void {
    this.#entries = new Map(entries.map((entry) => [entry.producerId, entry]));
    this.#unreplicated.clear();
    this.#collectOpenTransactions();
  }

  /** Becomes what `other` is, which is of no use afterwards. */
  replaceWith(other: ProducerState): void {
    this.#entries = other.#entries;
    this.#openTransactions = other.#openTransactions;
    this.#unreplicated = other.#unreplicated;
  }

  /** Forgets producers that were silent since `sinceMs`, or longer, and have no open transaction. */
  expire(sinceMs: number): void {
    for (const [producerId, entry] of this.#entries) {
      const isIdle = entry.lastActiveMs <= sinceMs && entry.transactionFirstOffset === NO_OFFSET;
      if (isIdle) this.#entries.delete(producerId);
    }
  }

  #applyData(entry: ProducerEntry, bytes: Uint8Array, position: number, nowMs: number): void {
    const producerEpoch = producerEpochAt(bytes, position);
    const batch = batchAt(bytes, position);
    const isSameEpoch = entry.producerEpoch === producerEpoch;
    let { transactionFirstOffset } = entry;
    if (isTransactionalAt(bytes, position) && transactionFirstOffset === NO_OFFSET) {
      transactionFirstOffset = batch.firstOffset;
      this.#openTransactions.set(entry.producerId, transactionFirstOffset);
    }
    this.#entries.set(entry.producerId, {
      producerId: entry.producerId,
      producerEpoch,
      batches: isSameEpoch ? remember(entry.batches, batch) : [batch],
      coordinatorEpoch: entry.coordinatorEpoch,
      lastTimestampMs: maxTimestampAt(bytes, position),
      lastActiveMs: nowMs,
      transactionFirstOffset,
    });
  }

  #applyMarker(
    entry: ProducerEntry,
    bytes: Uint8Array,
    position: number,
    nowMs: number,
  ): AbortedTransactionEntry | null {
    const marker = readMarker(bytes, position);
    if (marker === null) return null;
    const producerEpoch = producerEpochAt(bytes, position);
    this.#entries.set(entry.producerId, {
      producerId: entry.producerId,
      producerEpoch,
      batches: entry.producerEpoch === producerEpoch ? entry.batches : [],
      coordinatorEpoch: marker.coordinatorEpoch,
      lastTimestampMs: maxTimestampAt(bytes, position),
      lastActiveMs: nowMs,
      transactionFirstOffset: NO_OFFSET,
    });
    if (entry.transactionFirstOffset === NO_OFFSET) return null;
    return this.#completeTransaction(entry, lastOffsetAt(bytes, position), marker.type === "abort");
  }

  #completeTransaction(entry: ProducerEntry, lastOffset: number, isAborted: boolean): AbortedTransactionEntry | null {
    const { producerId, transactionFirstOffset: firstOffset } = entry;
    this.#openTransactions.delete(producerId);
    this.#unreplicated.set(firstOffset, lastOffset);
    if (!isAborted) return null;
    let lastStableOffset = lastOffset + 1;
    for (const offset of this.#openTransactions.values()) {
      lastStableOffset = offset;
      break;
    }
    return { producerId, firstOffset, lastOffset, lastStableOffset };
  }

  #collectOpenTransactions(): void {
    const open = Array.from(this.#entries.values()).filter((entry) => entry.transactionFirstOffset !== NO_OFFSET);
    open.sort((a, b) => a.transactionFirstOffset - b.transactionFirstOffset);
    this.#openTransactions = new Map(open.map((entry) => [entry.producerId, entry.transactionFirstOffset]));
  }
}

function batchAt(bytes: Uint8Array, position: number): ProducerBatch {
  return {
    firstSequence: baseSequenceAt(bytes, position),
    lastSequence: lastSequenceAt(bytes, position),
    firstOffset: baseOffsetAt(bytes, position),
    lastOffset: lastOffsetAt(bytes, position),
    timestampMs: maxTimestampAt(bytes, position),
  };
}

function remember(batches: readonly ProducerBatch[], batch: ProducerBatch): readonly ProducerBatch[] {
  return batches.length < REMEMBERED_BATCHES ? [...batches, batch] : [...batches.slice(1), batch];
}

function checkEpoch(entry: ProducerEntry, bytes: Uint8Array, position: number): void {
  const epoch = producerEpochAt(bytes, position);
  if (epoch >= entry.producerEpoch) return;
  throw new AppendRejected(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `epoch ${epoch} of producer ${entry.producerId} is older than its current epoch ${entry.producerEpoch}`,
  );
}

/** The first level of `transaction.version` at which the epoch rises with each transaction. */
const EPOCH_BUMP_VERSION = 2;

/**
 * A marker whose epoch is that of the open transaction belongs to an earlier one, where each ends with an epoch of its
 * own. With none open it is a repetition, which does no harm.
 */
function checkMarker(entry: ProducerEntry, bytes: Uint8Array, position: number, transactionVersion: number): void {
  checkCoordinatorEpoch(entry, bytes, position);
  const epoch = producerEpochAt(bytes, position);
  const isOpen = entry.transactionFirstOffset !== NO_OFFSET;
  if (transactionVersion < EPOCH_BUMP_VERSION || !isOpen || epoch > entry.producerEpoch) return;
  throw new AppendRejected(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `a marker of epoch ${epoch} does not end the transaction of producer ${entry.producerId} in epoch ${entry.producerEpoch}`,
  );
}

function checkCoordinatorEpoch(entry: ProducerEntry, bytes: Uint8Array, position: number): void {
  const marker = readMarker(bytes, position);
  if (marker === null || marker.coordinatorEpoch >= entry.coordinatorEpoch) return;
  throw new AppendRejected(
    ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    `coordinator epoch ${marker.coordinatorEpoch} for producer ${entry.producerId} is older than ${entry.coordinatorEpoch}`,
  );
}

function checkTransaction(entry: ProducerEntry, bytes: Uint8Array, position: number): void {
  if (isTransactionalAt(bytes, position) || entry.transactionFirstOffset === NO_OFFSET) return;
  const message = `producer ${entry.producerId} wrote outside of its open transaction`;
  throw new AppendRejected(ErrorCode.INVALID_TXN_STATE, message);
}

function checkSequence(entry: ProducerEntry, producerEpoch: number, firstSequence: number): void {
  if (entry.producerEpoch === NO_PRODUCER_EPOCH) return;
  const isNewEpoch = producerEpoch !== entry.producerEpoch;
  const lastSequence = isNewEpoch ? NO_SEQUENCE : (entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE);
  const expected = lastSequence === NO_SEQUENCE ? 0 : incrementSequence(lastSequence, 1);
  if (firstSequence === expected) return;
  throw new AppendRejected(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `producer ${entry.producerId} (epoch ${producerEpoch}) sent sequence ${firstSequence}, expected ${expected}`,
  );
}
