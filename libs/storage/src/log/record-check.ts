import { ErrorCode, KafkaError, RecordBatch, readRecordBatch } from "@ottla/protocol";
import { compressionAt, maxTimestampAt, NO_TIMESTAMP, type RecordCursor } from "@ottla/protocol/internal";
import type { LogConfig } from "../log-config.ts";
import { AppendRejected, type RecordError } from "../log-errors.ts";

/** What of a topic's configs each single record is held to. */
export type RecordPolicy = Pick<
  LogConfig,
  "cleanupPolicy" | "messageTimestampType" | "messageTimestampBeforeMaxMs" | "messageTimestampAfterMaxMs"
>;

const WITHOUT_KEY = "a compacted topic takes no record without a key";

/** What a producer's records are held to, one by one, at one moment. */
export class RecordRules {
  readonly #needsKeys: boolean;
  /** Timestamps outside are refused. */
  readonly #earliestMs: number;
  readonly #latestMs: number;

  constructor(policy: RecordPolicy, nowMs: number) {
    const isStamped = policy.messageTimestampType === "LogAppendTime";
    this.#needsKeys = policy.cleanupPolicy.includes("compact");
    this.#earliestMs = isStamped ? Number.NEGATIVE_INFINITY : nowMs - policy.messageTimestampBeforeMaxMs;
    this.#latestMs = isStamped ? Number.POSITIVE_INFINITY : nowMs + policy.messageTimestampAfterMaxMs;
  }

  /** Whether the records have to be looked at: a header says how young the youngest is, not how old the oldest. */
  mustLook(bytes: Uint8Array, position: number): boolean {
    return (
      this.#needsKeys || this.#earliestMs > Number.NEGATIVE_INFINITY || this.#isOutside(maxTimestampAt(bytes, position))
    );
  }

  /** Throws {@link AppendRejected} where the header is enough to see that a record is at fault. */
  checkHeader(bytes: Uint8Array, position: number): void {
    if (!this.#isOutside(maxTimestampAt(bytes, position))) return;
    throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, this.#outside);
  }

  /**
   * Throws {@link AppendRejected} that names the records at fault, unless none is. Compaction goes by the key, so a
   * compacted topic takes no record without one. As in Kafka, one with a wrong timestamp decides on the error code.
   */
  check(records: RecordCursor): void {
    const errors: RecordError[] = [];
    let timestampIsOutside = false;
    for (let batchIndex = 0; nextRecord(records); batchIndex++) {
      if (this.#needsKeys && records.keyLength < 0) errors.push({ batchIndex, message: WITHOUT_KEY });
      else if (this.#isOutside(records.timestampMs)) {
        errors.push({ batchIndex, message: this.#outside });
        timestampIsOutside = true;
      }
    }
    if (timestampIsOutside) throw new AppendRejected(ErrorCode.INVALID_TIMESTAMP, this.#outside, errors);
    if (errors.length > 0) throw new AppendRejected(ErrorCode.INVALID_RECORD, WITHOUT_KEY, errors);
  }

  #isOutside(timestampMs: number): boolean {
    return timestampMs !== NO_TIMESTAMP && (timestampMs < this.#earliestMs || timestampMs > this.#latestMs);
  }

  get #outside(): string {
    return `a record's timestamp is out of range, it should be within [${this.#earliestMs}, ${this.#latestMs}]`;
  }
}

/**
 * Throws {@link AppendRejected} unless each record of a batch is as the rules have it. Of a compressed one the header
 * alone is looked at: whoever appends has looked at its records, for that may take a while.
 */
export function checkRecords(bytes: Uint8Array, position: number, rules: RecordRules): void {
  if (compressionAt(bytes, position) !== 0) rules.checkHeader(bytes, position);
  else if (rules.mustLook(bytes, position)) {
    const batch = readRecordBatch(bytes, position, { checkCrcs: false });
    if (batch instanceof RecordBatch) rules.check(batch.cursor());
  }
}

/** Goes on to the next record. One that is not what its batch says is the producer's fault. */
function nextRecord(records: RecordCursor): boolean {
  try {
    return records.next();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new AppendRejected(ErrorCode.INVALID_RECORD, error.message);
  }
}
