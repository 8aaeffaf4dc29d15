import {
  type RecordBatch,
  RecordBatchBuilder,
  type RecordData,
  type RecordHeaderInput,
  readRecordBatch,
} from "@ottla/protocol";
import { repeat } from "../harness/repeat.ts";
import type { Row, Scenario } from "../harness/scenario.ts";
import { type KafkajsRecord, kafkajsDecode, kafkajsEncode } from "../rivals/kafkajs.ts";
import { type MessageRecord, platformaticDecode, platformaticEncode } from "../rivals/platformatic.ts";

const TIME = 1_700_000_000_000;
const TOPIC = "bench";

/** What the records of a row are like. */
interface Shape {
  readonly name: string;
  readonly count: number;
  readonly valueBytes: number;
  readonly keyed?: boolean;
  /** Keys and values are given as text, as users have them. */
  readonly text?: boolean;
  readonly headers?: boolean;
}

const SHAPES: readonly Shape[] = [
  { name: "1,000 x 100 B", count: 1000, valueBytes: 100 },
  { name: "1,000 x 100 B with keys", count: 1000, valueBytes: 100, keyed: true },
  { name: "1,000 x 100 B with keys, as text", count: 1000, valueBytes: 100, keyed: true, text: true },
  { name: "1,000 x 100 B with keys and headers", count: 1000, valueBytes: 100, keyed: true, headers: true },
  { name: "1,000 x 10 B", count: 1000, valueBytes: 10 },
  { name: "1,000 x 1 KiB", count: 1000, valueBytes: 1024 },
  { name: "10 x 100 B", count: 10, valueBytes: 100 },
];

const HEADERS: readonly [string, string][] = [
  ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
  ["content-type", "application/json"],
];

/** A row's records in the form that each client wants them. */
class Input {
  readonly shape: Shape;
  readonly keys: (Buffer | null)[] = [];
  readonly values: Buffer[] = [];
  readonly keyTexts: (string | null)[] = [];
  readonly valueTexts: string[] = [];
  readonly headers: readonly RecordHeaderInput[];
  private readonly rivalHeaders: Map<Buffer, Buffer> | undefined;

  constructor(shape: Shape) {
    this.shape = shape;
    const pairs = shape.headers ? HEADERS.map(([name, value]) => [name, Buffer.from(value)] as const) : [];
    this.headers = pairs;
    this.rivalHeaders = shape.headers ? new Map(pairs.map(([name, value]) => [Buffer.from(name), value])) : undefined;
    for (let index = 0; index < shape.count; index++) {
      const key = shape.keyed ? `key-${index}` : null;
      const value = `${index}:`.padEnd(shape.valueBytes, "abcdefghijklmnopqrstuvwxyz0123456789");
      this.keyTexts.push(key);
      this.valueTexts.push(value);
      this.keys.push(key === null ? null : Buffer.from(key));
      this.values.push(Buffer.from(value));
    }
  }

  encodeOurs(buffer?: Uint8Array): Uint8Array {
    const builder = new RecordBatchBuilder(buffer ? { buffer } : { initialCapacityBytes: this.capacityBytes });
    const keys: readonly RecordData[] = this.shape.text ? this.keyTexts : this.keys;
    const values: readonly RecordData[] = this.shape.text ? this.valueTexts : this.values;
    for (let index = 0; index < values.length; index++) {
      builder.append(keys[index]!, values[index]!, this.headers, TIME + (index >> 3));
    }
    return builder.close({ compression: "none" });
  }

  get capacityBytes(): number {
    return 1024 + this.shape.count * (this.shape.valueBytes + (this.shape.headers ? 200 : 40));
  }

  /** What kafkajs's producer makes of the user's messages before it encodes them; not measured. */
  kafkajsRecords(): KafkajsRecord[] {
    const { text, headers } = this.shape;
    const keys = text ? this.keyTexts : this.keys;
    const values = text ? this.valueTexts : this.values;
    return values.map((value, index) => {
      const record = { offsetDelta: index, timestampDelta: index >> 3, key: keys[index]!, value };
      return headers ? { ...record, headers: Object.fromEntries(HEADERS) } : record;
    });
  }

  /** What @platformatic/kafka's producer makes of the user's messages; measured for text alone, which it serializes. */
  platformaticMessages(): MessageRecord[] {
    const { text } = this.shape;
    const headers = this.rivalHeaders;
    return this.values.map((bytes, index) => {
      const keyText = this.keyTexts[index]!;
      const key = text && keyText !== null ? Buffer.from(keyText) : this.keys[index]!;
      const value = text ? Buffer.from(this.valueTexts[index]!) : bytes;
      const message = { topic: TOPIC, value, timestamp: BigInt(TIME + (index >> 3)) };
      return { ...message, ...(key !== null && { key }), ...(headers !== undefined && { headers }) };
    });
  }
}

function encodeRow(input: Input): Row {
  const { count, name, text } = input.shape;
  const kafkajsRecords = input.kafkajsRecords();
  const messages = input.platformaticMessages();
  const buffer = new Uint8Array(input.capacityBytes * 2);
  return {
    name: `encode ${name}, CRC included`,
    unit: "records/s",
    baseline: "@platformatic/kafka",
    contestants: [
      repeat("ottla", count, () => input.encodeOurs()),
      repeat("ottla, buffer reused", count, () => input.encodeOurs(buffer)),
      repeat("@platformatic/kafka", count, () => platformaticEncode(text ? input.platformaticMessages() : messages)),
      repeat("kafkajs", count, () => kafkajsEncode(kafkajsRecords, TIME)),
    ],
  };
}

/** Sums lengths, so that no contestant gets away with handing out what it has not looked at. */
function touch(sum: number, key: Uint8Array | null | undefined, value: Uint8Array | null | undefined): number {
  return sum + (key?.length ?? 0) + (value?.length ?? 0);
}

function decodeOurs(bytes: Uint8Array): number {
  let sum = 0;
  for (const record of readRecordBatch(bytes) as RecordBatch) sum = touch(sum, record.key, record.value);
  return sum;
}

function decodeOursWithHeaders(bytes: Uint8Array): number {
  let sum = 0;
  for (const record of readRecordBatch(bytes) as RecordBatch) {
    sum = touch(sum, record.key, record.value) + record.headers.length;
  }
  return sum;
}

function decodeOursByCursor(bytes: Uint8Array): number {
  const cursor = (readRecordBatch(bytes) as RecordBatch).cursor();
  let sum = 0;
  while (cursor.next()) sum += Math.max(cursor.keyLength, 0) + cursor.valueLength;
  return sum;
}

function decodePlatformatic(bytes: Buffer): number {
  return platformaticDecode(bytes).reduce((sum, { key, value }) => touch(sum, key, value), 0);
}

async function decodeKafkajs(bytes: Buffer): Promise<number> {
  return (await kafkajsDecode(bytes)).reduce((sum, { key, value }) => touch(sum, key, value), 0);
}

function decodeRow(input: Input): Row {
  const { count, name, headers } = input.shape;
  const bytes = input.encodeOurs();
  const rivalBytes = Buffer.from(bytes);
  // kafkajs's fetch has read nothing of the batch before it decodes it: same bytes for all.
  return {
    name: `decode ${name}, key and value touched`,
    unit: "records/s",
    baseline: "@platformatic/kafka",
    contestants: [
      repeat("ottla, CRC verified", count, () => (headers ? decodeOursWithHeaders(bytes) : decodeOurs(bytes))),
      repeat("ottla, CRC verified, cursor", count, () => decodeOursByCursor(bytes)),
      repeat("@platformatic/kafka", count, () => decodePlatformatic(rivalBytes)),
      repeat("kafkajs", count, () => decodeKafkajs(rivalBytes)),
    ],
  };
}

const scenario: Scenario = {
  name: "records",
  description: "record batches to and from bytes; only ours verifies the CRC when decoding",
  quietSeconds: { quick: 10, full: 31 },
  inQuick: false,
  *rows() {
    for (const shape of SHAPES) yield encodeRow(new Input(shape));
    for (const shape of SHAPES) if (!shape.text) yield decodeRow(new Input(shape));
  },
};

export default scenario;
