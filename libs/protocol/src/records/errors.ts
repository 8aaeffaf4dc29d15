/** Kafka's error codes that the record layer speaks of, by number as they travel. */
export const CORRUPT_MESSAGE_CODE = 2;
export const UNSUPPORTED_FOR_MESSAGE_FORMAT_CODE = 43;
export const UNSUPPORTED_COMPRESSION_TYPE_CODE = 76;
export const INVALID_TIMESTAMP_CODE = 32;
export const INVALID_RECORD_CODE = 87;

/**
 * Bytes that should be records are not: a wrong checksum, a length or count that does not add up, data that does not
 * decompress. Kafka's CORRUPT_MESSAGE (2). Fetching again may help (`retriable`), since the fault may lie on the way.
 */
export class CorruptRecordError extends Error {
  readonly code = "CORRUPT_MESSAGE";
  readonly errorCode = CORRUPT_MESSAGE_CODE;
  readonly retriable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CorruptRecordError";
  }
}

/**
 * Records of a format version that is not served: the message sets of Kafka before 0.11 (magic 0 and 1), or one that
 * does not exist yet. Kafka's UNSUPPORTED_FOR_MESSAGE_FORMAT (43).
 */
export class UnsupportedRecordFormatError extends Error {
  readonly code = "UNSUPPORTED_FOR_MESSAGE_FORMAT";
  readonly errorCode = UNSUPPORTED_FOR_MESSAGE_FORMAT_CODE;
  readonly retriable = false;
  /** The format version that was found. */
  readonly magic: number;

  constructor(magic: number) {
    super(`records of format version (magic) ${magic} are not supported, only version 2 (Kafka 0.11 and later)`);
    this.name = "UnsupportedRecordFormatError";
    this.magic = magic;
  }
}
