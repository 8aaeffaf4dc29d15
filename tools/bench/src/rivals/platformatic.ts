import {
  compressionsAlgorithms,
  crc32c,
  createRecordsBatch,
  type MessageRecord,
  Reader,
  readRecordsBatch,
} from "@platformatic/kafka";

/** The ways into @platformatic/kafka 2.12.1 that its own producer and consumer take. */
export { compressionsAlgorithms as platformaticCodecs, crc32c as platformaticCrc32c, type MessageRecord };

/** Its producer serializes keys and values to buffers first. */
export function platformaticEncode(messages: MessageRecord[]): Buffer {
  return createRecordsBatch(messages).buffer;
}

/** As the consumer does it; @platformatic/kafka does not verify the CRC. */
export function platformaticDecode(batch: Buffer) {
  return readRecordsBatch(Reader.from(batch)).records;
}
