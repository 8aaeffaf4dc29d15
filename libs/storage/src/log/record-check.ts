import { ErrorCode, KafkaError, type RecordBatch, readRecordBatch } from "@ottla/protocol";
import {
  baseTimestampAt,
  compressionAt,
  isLogAppendTimeAt,
  largestTimestampOf,
  maxTimestampAt,
  NO_TIMESTAMP,
  type RecordCursor,
  setCreateTime,
  setMaxTimestamp,
} from "@ottla/protocol/internal";
import type { LogConfig } from "../log-config.ts";
import { AppendRejected, type RecordError } from "../log-errors.ts";

/** What of a topic's configs each single record is held to. */
export type RecordPolicy = Pick<
  LogConfig,
  "cleanupPolicy" | "messageTimestampType" | "messageTimestampBeforeMaxMs" | "messageTimestampAfterMaxMs"
>;

const WITHOUT_KEY = "a compacted topic takes no record without a key";
const STAMPED = "a producer must not set the timestamp type to LogAppendTime";

/** What a producer's records are held to, one by one, at one moment. */
export class RecordRules {
  readonly #needsKeys: boolean;
  /** Whether the broker sets the time: what producers say of it counts for nothing then. */
  readonly #isStamped: boolean;
  /** Timestamps outside are refused. */
  readonly #earliestMs: number;
  readonly #latestMs: number;

  constructor(policy: RecordPolicy, nowMs: number) {
    this.#isStamped = policy.messageTimestampType === "LogAppendTime";
    this.#needsKeys = policy.cleanupPolicy.includes("compact");
    this.#earliestMs = this.#isStamped ? Number.NEGATIVE_INFINITY : nowMs - policy.messageTimestampBeforeMaxMs;
    this.#latestMs = this.#isStamped ? Number.POSITIVE_INFINITY : nowMs + policy.messageTimestampAfterMaxMs;
  }

  /**
   * Whether the records of a compressed batch have to be looked at. Its header says how young the youngest is, not how
   * old the oldest; and one that cannot be right says nothing: there are producers that leave it at -1.
   */
  mustOpen(bytes: Uint8Array, position: number): boolean {
    if (this.#mustLookAtEach(bytes, position)) return true;
    const maxTimestampMs = maxTimestampAt(bytes, position);
    if (this.#isOutside(maxTimestampMs)) return true;
    return !this.#isStamped && (maxTimestampMs < 0 || maxTimestampMs < baseTimestampAt(bytes, position));
  }

  /**
   * As Kafka: only where the broker sets the time is a producer refused that claims to have done it; elsewhere its claim
   * is dropped, and the records' own times count. The batch's CRC must be right, for it is made anew.
   */
  dropLogAppendTime(bytes: Uint8Array, position: number): void {
    if (!this.#isStamped && isLogAppendTimeAt(bytes, position)) setCreateTime(bytes, position);
  }

  /** Throws {@link AppendRejected} where the header of compressed records is enough to see that one is at fault. */
  checkHeader(bytes: Uint8Array, position: number): void {
    if (isLogAppendTimeAt(bytes, position)) throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, STAMPED);
    if (!this.#isOutside(maxTimestampAt(bytes, position))) return;
    throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, this.#outside);
  }

  /** Does for records that are not compressed what {@link check} does, and looks at their frames alone where it can. */
  checkUncompressed(bytes: Uint8Array, position: number): void {
    const largestMs = this.#mustLookAtEach(bytes, position) ? null : largestTimestamp(bytes, position);
    if (largestMs !== null && !this.#isOutside(largestMs)) this.#keepLargest(bytes, position, largestMs);
    // Comes at once, as there is nothing to decompress.
    else this.check(readRecordBatch(bytes, position, { checkCrcs: false }) as RecordBatch, bytes, position);
  }

  /**
   * Throws {@link AppendRejected} that names the records at fault, unless none is. Compaction goes by the key, so a
   * compacted topic takes no record without one. As in Kafka, one with a wrong timestamp decides on the error code.
   * The header, at `position`, is made to say which timestamp is the largest.
   */
  check(batch: RecordBatch, bytes: Uint8Array, position: number): void {
    const isStampedByProducer = batch.timestampType === "LogAppendTime";
    const records = batch.cursor();
    const errors: RecordError[] = [];
    let wrongTime: string | null = null;
    let largestMs = NO_TIMESTAMP;
    for (let batchIndex = 0; nextRecord(records); batchIndex++) {
      if (records.timestampMs > largestMs) largestMs = records.timestampMs;
      if (this.#needsKeys && records.keyLength < 0) errors.push({ batchIndex, message: WITHOUT_KEY });
      else if (isStampedByProducer || this.#isOutside(records.timestampMs)) {
        wrongTime = isStampedByProducer ? STAMPED : this.#outside;
        errors.push({ batchIndex, message: wrongTime });
      }
    }
    if (wrongTime !== null) throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, wrongTime, errors);
    if (errors.length > 0) throw new AppendRejected(ErrorCode.INVALID_RECORD, WITHOUT_KEY, errors);
    this.#keepLargest(bytes, position, largestMs);
  }

  #mustLookAtEach(bytes: Uint8Array, position: number): boolean {
    return this.#needsKeys || this.#earliestMs > Number.NEGATIVE_INFINITY || isLogAppendTimeAt(bytes, position);
  }

  /** Retention and lookups by time go by the header, so it has to say what the records do. */
  #keepLargest(bytes: Uint8Array, position: number, largestMs: number): void {
    if (this.#isStamped || largestMs === maxTimestampAt(bytes, position)) return;
    setMaxTimestamp(bytes, position, largestMs);
  }

  #isOutside(timestampMs: number): boolean {
    return timestampMs !== NO_TIMESTAMP && (timestampMs < this.#earliestMs || timestampMs > this.#latestMs);
  }

  get #outside(): string {
    return `a record's timestamp is out of range, it should be within [${this.#earliestMs}, ${this.#latestMs}]`;
  }
}

/**
 * Throws {@link AppendRejected} unless each record of a batch is as the rules have it, and makes the header say what the
 * records do. Of a compressed one the header alone is looked at: whoever appends has looked at its records, for that may
 * take a while.
 */
export function checkRecords(bytes: Uint8Array, position: number, rules: RecordRules): void {
  rules.dropLogAppendTime(bytes, position);
  if (compressionAt(bytes, position) !== 0) rules.checkHeader(bytes, position);
  else rules.checkUncompressed(bytes, position);
}

function largestTimestamp(bytes: Uint8Array, position: number): number {
  try {
    return largestTimestampOf(bytes, position);
  } catch (error) {
    throw asProducersFault(error);
  }
}

function nextRecord(records: RecordCursor): boolean {
  try {
    return records.next();
  } catch (error) {
    throw asProducersFault(error);
  }
}

/** Records that are not what their batch says were sent like that, as its CRC is right: sending them again does not help. */
function asProducersFault(error: unknown): unknown {
  return error instanceof KafkaError ? new AppendRejected(ErrorCode.INVALID_RECORD, error.message) : error;
}
