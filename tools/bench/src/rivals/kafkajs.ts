import { createRequire } from "node:module";

/** The ways into kafkajs 2.2.4 that its own producer and consumer take; the package exports none of them. */
const require = createRequire(import.meta.url);

/** A record as kafkajs's producer hands it to the encoder. */
export interface KafkajsRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Record<string, Buffer | string>;
}

interface KafkajsEncoder {
  readonly buffer: Buffer;
}

interface RecordBatchOptions {
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly lastOffsetDelta: number;
  readonly compression?: number;
  readonly records: readonly KafkajsEncoder[];
}

interface DecodedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

const encodeRecord: (record: KafkajsRecord) => KafkajsEncoder = require("kafkajs/src/protocol/recordBatch/record/v0");
const { RecordBatch }: { RecordBatch: (options: RecordBatchOptions) => Promise<KafkajsEncoder> } =
  require("kafkajs/src/protocol/recordBatch/v0");
const decodeBatch: (decoder: unknown) => Promise<{ records: DecodedRecord[] }> =
  require("kafkajs/src/protocol/recordBatch/v0/decoder");
const Decoder: new (bytes: Buffer) => unknown = require("kafkajs/src/protocol/decoder");

export const kafkajsCrc32c: (bytes: Buffer) => number = require("kafkajs/src/protocol/recordBatch/crc32C");

/** As the producer does it: every record encoded, then the batch around them. */
export async function kafkajsEncode(records: readonly KafkajsRecord[], timestampMs: number): Promise<Buffer> {
  const batch = await RecordBatch({
    firstTimestamp: timestampMs,
    maxTimestamp: timestampMs,
    lastOffsetDelta: records.length - 1,
    records: records.map(encodeRecord),
  });
  return batch.buffer;
}

/** As the consumer does it; kafkajs does not verify the CRC. */
export async function kafkajsDecode(batch: Buffer): Promise<DecodedRecord[]> {
  return (await decodeBatch(new Decoder(batch))).records;
}
