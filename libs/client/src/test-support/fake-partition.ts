import { ErrorCode, readRecordBatch } from "@ottla/protocol";
import {
  baseSequenceAt,
  batchSizeAt,
  incrementSequence,
  lastSequenceAt,
  producerEpochAt,
  producerIdAt,
  recordsCountAt,
  validateProducedBatch,
} from "@ottla/protocol/internal";

/** A record as a fake partition keeps it. */
export interface FakeRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly timestampMs: number;
}

interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

interface ProducerState {
  epoch: number;
  /** The last five batches of that epoch, oldest first. */
  batches: RememberedBatch[];
}

/** What appending came to. */
export interface FakeAppend {
  readonly errorCode: number;
  readonly baseOffset: number;
}

const REMEMBERED_BATCHES = 5;

/** The log of one partition, with Kafka's rules for idempotent producers and nothing else. */
export class FakePartition {
  readonly records: FakeRecord[] = [];
  leader: number;
  leaderEpoch = 0;
  maxMessageBytes = 1_048_588;
  #producers = new Map<number, ProducerState>();

  constructor(leader: number) {
    this.leader = leader;
  }

  /** Forgets its producers, as when their state has expired. */
  forgetProducers(): void {
    this.#producers = new Map();
  }

  async append(batch: Uint8Array): Promise<FakeAppend> {
    if (validateProducedBatch(batch, 0) !== null) return refusal(ErrorCode.CORRUPT_MESSAGE);
    if (batchSizeAt(batch, 0) > this.maxMessageBytes) return refusal(ErrorCode.MESSAGE_TOO_LARGE);
    const records = await readAll(batch);
    const duplicate = this.#findDuplicate(batch);
    if (duplicate !== undefined) return { errorCode: ErrorCode.NONE, baseOffset: duplicate.baseOffset };
    const errorCode = this.#checkSequence(batch);
    if (errorCode !== ErrorCode.NONE) return refusal(errorCode);
    const baseOffset = this.records.length;
    this.records.push(...records);
    this.#remember(batch, baseOffset);
    return { errorCode: ErrorCode.NONE, baseOffset };
  }

  #findDuplicate(batch: Uint8Array): RememberedBatch | undefined {
    const state = this.#producers.get(producerIdAt(batch, 0));
    if (state === undefined || state.epoch !== producerEpochAt(batch, 0)) return undefined;
    const first = baseSequenceAt(batch, 0);
    const last = lastSequenceAt(batch, 0);
    return state.batches.find((known) => known.firstSequence === first && known.lastSequence === last);
  }

  #checkSequence(batch: Uint8Array): number {
    const state = this.#producers.get(producerIdAt(batch, 0));
    if (producerIdAt(batch, 0) < 0 || state === undefined) return ErrorCode.NONE;
    const epoch = producerEpochAt(batch, 0);
    if (epoch < state.epoch) return ErrorCode.INVALID_PRODUCER_EPOCH;
    const last = state.batches.at(-1)!.lastSequence;
    const expected = epoch > state.epoch ? 0 : incrementSequence(last, 1);
    return baseSequenceAt(batch, 0) === expected ? ErrorCode.NONE : ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
  }

  #remember(batch: Uint8Array, baseOffset: number): void {
    const producerId = producerIdAt(batch, 0);
    if (producerId < 0) return;
    const epoch = producerEpochAt(batch, 0);
    const known = this.#producers.get(producerId);
    const batches = known?.epoch === epoch ? known.batches : [];
    const firstSequence = baseSequenceAt(batch, 0);
    batches.push({
      firstSequence,
      lastSequence: incrementSequence(firstSequence, recordsCountAt(batch, 0) - 1),
      baseOffset,
    });
    this.#producers.set(producerId, { epoch, batches: batches.slice(-REMEMBERED_BATCHES) });
  }
}

function refusal(errorCode: number): FakeAppend {
  return { errorCode, baseOffset: -1 };
}

async function readAll(bytes: Uint8Array): Promise<FakeRecord[]> {
  const records: FakeRecord[] = [];
  for (const record of await readRecordBatch(bytes)) {
    records.push({
      key: text(record.key),
      value: text(record.value),
      headers: record.headers.map(([name, value]) => [name, text(value)] as const),
      timestampMs: record.timestampMs,
    });
  }
  return records;
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
