import type { RecordHeaders } from "./headers.ts";
import { RecordBytes } from "./record-bytes.ts";

/** One record as positions in `source`: what a cursor shows of the record that it stands on. */
export interface RecordPositions {
  readonly source: RecordBytes;
  readonly offset: number;
  readonly timestampMs: number;
  readonly keyStart: number;
  /** -1 for a null key. */
  readonly keyLength: number;
  readonly valueStart: number;
  /** -1 for a null value. */
  readonly valueLength: number;
  readonly headersStart: number;
  readonly end: number;
}

/**
 * One record of a batch. Key, value and headers are views over the batch's bytes, made when asked for, and keep the
 * whole batch in memory; {@link copy} gives a record that stands alone.
 */
export class RecordView {
  /** The offset of the record in its partition. */
  readonly offset: number;
  /** Milliseconds since the epoch; what they mean is the batch's `timestampType`. */
  readonly timestampMs: number;
  private readonly source: RecordBytes;
  private readonly keyStart: number;
  private readonly keyLength: number;
  private readonly valueStart: number;
  private readonly valueLength: number;
  private readonly headersStart: number;
  private readonly end: number;
  private keyView: Uint8Array | null | undefined;
  private valueView: Uint8Array | null | undefined;

  constructor(record: RecordPositions) {
    this.offset = record.offset;
    this.timestampMs = record.timestampMs;
    this.source = record.source;
    this.keyStart = record.keyStart;
    this.keyLength = record.keyLength;
    this.valueStart = record.valueStart;
    this.valueLength = record.valueLength;
    this.headersStart = record.headersStart;
    this.end = record.end;
    this.keyView = undefined;
    this.valueView = undefined;
  }

  get key(): Uint8Array | null {
    if (this.keyView === undefined) this.keyView = this.source.view(this.keyStart, this.keyLength);
    return this.keyView;
  }

  get value(): Uint8Array | null {
    if (this.valueView === undefined) this.valueView = this.source.view(this.valueStart, this.valueLength);
    return this.valueView;
  }

  /** Decoded at each call. */
  get headers(): RecordHeaders {
    return this.source.headers(this.headersStart, this.end);
  }

  /** The same record over a copy of its own bytes, so that the batch it came in can be freed. */
  copy(): RecordView {
    const start = this.keyStart;
    return new RecordView({
      source: new RecordBytes(this.source.bytes.slice(start, this.end)),
      offset: this.offset,
      timestampMs: this.timestampMs,
      keyStart: 0,
      keyLength: this.keyLength,
      valueStart: this.valueStart - start,
      valueLength: this.valueLength,
      headersStart: this.headersStart - start,
      end: this.end - start,
    });
  }
}
