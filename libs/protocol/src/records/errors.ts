import { KafkaError } from "../errors/kafka-error.ts";

/**
 * Bytes that should be records are not: a wrong checksum, a length or count that does not add up, data that does not
 * decompress. Kafka's CORRUPT_MESSAGE (2). Fetching again may help (`retriable`), since the fault may lie on the way.
 */
export class CorruptRecordError extends KafkaError {
  override readonly name = "CorruptRecordError";

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, {
      code: "CORRUPT_MESSAGE",
      retriable: true,
      cause: options?.cause,
    });
  }
}

/**
 * Records of a format version that is not served: the message sets of Kafka before 0.11 (magic 0 and 1), or one that
 * does not exist yet. Kafka's UNSUPPORTED_FOR_MESSAGE_FORMAT (43).
 */
export class UnsupportedRecordFormatError extends KafkaError {
  override readonly name = "UnsupportedRecordFormatError";
  /** The format version that was found. */
  readonly magic: number;

  constructor(magic: number) {
    super(`records of format version (magic) ${magic} are not supported, only version 2 (Kafka 0.11 and later)`, {
      code: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    });
    this.magic = magic;
  }
}
