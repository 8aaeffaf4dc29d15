import { startBroker } from "@ottla/broker-app";
import {
  createTopicsApi,
  encodeRecordBatch,
  fetchApi,
  listOffsetsApi,
  produceApi,
  RecordBatchBuilder,
  type RecordBatchInput,
  type ResponseOf,
} from "@ottla/protocol";
import { baseTimestampAt, isLogAppendTimeAt, maxTimestampAt, writeBatchCrc } from "@ottla/protocol/internal";
import { createSystemRuntime } from "@ottla/runtime";
import { startCluster, type TestCluster } from "@ottla/testing";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { kafkaClassPath } from "../harness/external.ts";
import { nameOf } from "../harness/group-hand.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";

type PartitionResult = ResponseOf<typeof produceApi>["responses"][number]["partitionResponses"][number];

const HOUR_MS = 3_600_000;
const KEY = new Uint8Array([107]);
const VALUE = new Uint8Array([118]);

/** Three records with keys, now. */
function batch(input: Partial<RecordBatchInput> = {}): Uint8Array {
  const records = [0, 1, 2].map(() => ({ key: KEY, value: VALUE }));
  return encodeRecordBatch({ records, timestampMs: Date.now(), ...input });
}

/** The same, or another batch, with something changed in it, and a CRC that agrees all the same. */
function changed(
  change: (view: DataView) => void,
  options: { readonly fixCrc?: boolean } = { fixCrc: true },
  original = batch(),
) {
  const bytes = original.slice();
  change(new DataView(bytes.buffer));
  if (options.fixCrc) writeBatchCrc(bytes, 0);
  return bytes;
}

const at = (timestampsMs: readonly number[]) =>
  batch({ records: timestampsMs.map((timestampMs) => ({ key: KEY, value: VALUE, timestampMs })) });

/** Small, so that the codec gives its result at once. */
const compressed = (timestampsMs: readonly number[]) => {
  const builder = new RecordBatchBuilder();
  for (const timestampMs of timestampsMs) builder.append(KEY, VALUE, [], timestampMs);
  return builder.close({ compression: "gzip" }) as Uint8Array;
};

const noCrc = { fixCrc: false };

/** Of each of the three records of {@link batch}: a length, attributes, two deltas, key, value, no headers. */
const RECORD_BYTES = 9;
const [FIRST_RECORD, LAST_RECORD] = [61, 61 + 2 * RECORD_BYTES];

/** Says that it has `count` records, as its last offset does. */
const counting = (count: number) =>
  changed((view) => {
    view.setInt32(23, count - 1);
    view.setInt32(57, count);
  });

/** The batch with `length` bytes more, which belong to it by its own account. */
const withBytesLeft = (length: number) =>
  changed((view) => view.setInt32(8, view.byteLength - 12), undefined, concat(batch(), new Uint8Array(length)));

/** One byte of a record is another, written as the zigzag number that it holds. */
const withVarint = (position: number, value: number) => changed((view) => view.setUint8(position, (value << 1) >>> 0));

const withAttribute = (attribute: number, original = batch()) =>
  changed((view) => view.setUint8(22, view.getUint8(22) | attribute), undefined, original);
const LOG_APPEND_TIME = 0x08;

/** The topics, and what is special about them. `plain` has no timestamps older than two hours. */
const TOPICS = {
  plain: {},
  compacted: { "cleanup.policy": "compact" },
  unbounded: { "message.timestamp.before.max.ms": String(2n ** 63n - 1n) },
  stamped: { "message.timestamp.type": "LogAppendTime" },
};
type Topic = keyof typeof TOPICS;

/** Where ours says what it was and Apache Kafka fails: docs/decisions/0052-apache-kafka-is-the-judge.md. */
const unknownToKafka = (ours: string) => ({ ours, kafka: "UNKNOWN_SERVER_ERROR" });
type Refusal = string | ReturnType<typeof unknownToKafka>;

/** What is wrong, where it goes, the bytes, the error, and the records that are named as at fault. */
const TABLE: readonly (readonly [string, Topic, () => Uint8Array, Refusal, number[]])[] = [
  ["magic 0", "plain", () => changed((view) => view.setInt8(16, 0), noCrc), "INVALID_RECORD", []],
  ["magic 1", "plain", () => changed((view) => view.setInt8(16, 1), noCrc), "INVALID_RECORD", []],
  ["magic 3", "plain", () => changed((view) => view.setInt8(16, 3), noCrc), "CORRUPT_MESSAGE", []],
  ["a wrong CRC", "plain", () => changed((view) => view.setUint32(17, 1), noCrc), "CORRUPT_MESSAGE", []],
  ["a wrong byte in a record", "plain", () => changed((view) => view.setInt8(70, 99), noCrc), "CORRUPT_MESSAGE", []],
  ["a length below the header's", "plain", () => changed((view) => view.setInt32(8, 10), noCrc), "CORRUPT_MESSAGE", []],
  ["a negative length", "plain", () => changed((view) => view.setInt32(8, -5), noCrc), "CORRUPT_MESSAGE", []],
  ["a length beyond the end", "plain", () => changed((view) => view.setInt32(8, 999), noCrc), "INVALID_RECORD", []],
  ["no records", "plain", () => changed((view) => view.setInt32(57, 0)), "INVALID_RECORD", []],
  ["a negative count", "plain", () => changed((view) => view.setInt32(57, -3)), "INVALID_RECORD", []],
  ["too large a count", "plain", () => changed((view) => view.setInt32(57, 7)), "INVALID_RECORD", []],
  ["too large an offset delta", "plain", () => changed((view) => view.setInt32(23, 7)), "INVALID_RECORD", []],
  ["a negative offset delta", "plain", () => changed((view) => view.setInt32(23, -1)), "INVALID_RECORD", []],
  ["a control batch", "plain", () => changed((view) => view.setInt16(21, 0x20)), "INVALID_RECORD", []],
  ["two batches", "plain", () => concat(batch(), batch()), "INVALID_RECORD", []],
  ["no batch", "plain", () => new Uint8Array(0), "INVALID_RECORD", []],
  ["a record too young", "plain", () => at([0, 2 * HOUR_MS, 0].map((ms) => Date.now() + ms)), "INVALID_TIMESTAMP", [1]],
  ["a record too old", "plain", () => at([0, -1, -3 * HOUR_MS].map((ms) => Date.now() + ms)), "INVALID_TIMESTAMP", [2]],
  [
    "records too old and too young, compressed",
    "plain",
    () => compressed([0, -3, 0, 2].map((hours) => Date.now() + hours * HOUR_MS)),
    "INVALID_TIMESTAMP",
    [1, 3],
  ],
  [
    "records without keys",
    "compacted",
    () => batch({ records: [{ value: VALUE }, { key: KEY, value: VALUE }, { value: VALUE }] }),
    "INVALID_RECORD",
    [0, 2],
  ],
  ["fewer records than it says", "unbounded", () => counting(4), "INVALID_RECORD", []],
  ["more records than it says", "unbounded", () => counting(2), "INVALID_RECORD", []],
  ["bytes after its records", "unbounded", () => withBytesLeft(5), "INVALID_RECORD", []],
  ["a record longer than the batch", "unbounded", () => withVarint(LAST_RECORD, 30), "INVALID_RECORD", []],
  ["a record of a negative length", "unbounded", () => withVarint(FIRST_RECORD, -3), "INVALID_RECORD", []],
  ["a key longer than its record", "unbounded", () => withVarint(FIRST_RECORD + 4, 20), "INVALID_RECORD", []],
  ["a value longer than its record", "unbounded", () => withVarint(FIRST_RECORD + 6, 20), "INVALID_RECORD", []],
  ["a record that is not filled", "unbounded", () => withVarint(FIRST_RECORD + 6, 0), "INVALID_RECORD", []],
  ["headers that are not there", "unbounded", () => withVarint(LAST_RECORD + 8, 1), "INVALID_RECORD", []],
  ["a negative count of headers", "unbounded", () => withVarint(FIRST_RECORD + 8, -1), "INVALID_RECORD", []],
  ["a base offset", "unbounded", () => changed((view) => view.setBigInt64(0, 5n), noCrc), "INVALID_RECORD", []],
  ["a negative base offset", "unbounded", () => changed((view) => view.setBigInt64(0, -1n)), "INVALID_RECORD", []],
  ["a negative timestamp", "plain", () => at([-5, Date.now()]), "INVALID_TIMESTAMP", [0]],
  [
    "a codec that does not exist",
    "unbounded",
    () => withAttribute(6),
    unknownToKafka("UNSUPPORTED_COMPRESSION_TYPE"),
    [],
  ],
  [
    "what does not decompress",
    "compacted",
    () => changed((view) => view.setUint32(61, 7), undefined, compressed([0])),
    unknownToKafka("INVALID_RECORD"),
    [],
  ],
  [
    "LogAppendTime set by the producer",
    "stamped",
    () => withAttribute(LOG_APPEND_TIME),
    "INVALID_TIMESTAMP",
    [0, 1, 2],
  ],
  [
    "LogAppendTime set by the producer, compressed",
    "stamped",
    () => withAttribute(LOG_APPEND_TIME, compressed([5, 6])),
    "INVALID_TIMESTAMP",
    [0, 1],
  ],
];

const withMax = (timestampMs: number, original: Uint8Array) =>
  changed((view) => view.setBigInt64(35, BigInt(timestampMs)), undefined, original);
const withBase = (timestampMs: number, original: Uint8Array) =>
  changed((view) => view.setBigInt64(27, BigInt(timestampMs)), undefined, original);
const [OLD_MS, YEAR_3000_MS] = [Date.UTC(2020, 0, 1), Date.UTC(3000, 0, 1)];

/** What is odd, the bytes, and the base and the largest timestamp that are kept of them, in a topic without bounds. */
const TAKEN: readonly (readonly [string, () => Uint8Array, number, number])[] = [
  ["too large a max timestamp", () => withMax(YEAR_3000_MS, at([OLD_MS, OLD_MS + 9])), OLD_MS, OLD_MS + 9],
  ["too small a max timestamp", () => withMax(OLD_MS + 1, at([OLD_MS, OLD_MS + 9, OLD_MS + 4])), OLD_MS, OLD_MS + 9],
  ["no max timestamp", () => withMax(-1, at([OLD_MS, OLD_MS + 9])), OLD_MS, OLD_MS + 9],
  ["a max timestamp below -1", () => withMax(-7, at([OLD_MS])), OLD_MS, OLD_MS],
  ["no timestamps", () => at([-1, -1]), -1, -1],
  ["a negative timestamp", () => at([-5]), -5, -1],
  ["a negative base timestamp", () => withBase(-40, at([OLD_MS, OLD_MS + 90])), -40, 50],
  ["too large a max timestamp, compressed", () => withMax(YEAR_3000_MS, compressed([OLD_MS])), OLD_MS, OLD_MS],
  ["no max timestamp, compressed", () => withMax(-1, compressed([OLD_MS, OLD_MS + 9])), OLD_MS, OLD_MS + 9],
  ["a max timestamp before the base, compressed", () => withMax(5, compressed([OLD_MS])), OLD_MS, OLD_MS],
  ["a negative timestamp, compressed", () => compressed([-5, -9]), -5, -1],
  ["LogAppendTime set by the producer", () => withAttribute(LOG_APPEND_TIME, at([OLD_MS])), OLD_MS, OLD_MS],
  ["the same, compressed", () => withAttribute(LOG_APPEND_TIME, compressed([OLD_MS])), OLD_MS, OLD_MS],
];

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

interface Running {
  /** Of the broker that leads. */
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

interface Target {
  readonly name: string;
  readonly isAbsent: boolean;
  readonly isOurs: boolean;
  /** The replicas of each partition, the leader first. */
  readonly replicas: readonly number[];
  start(): Promise<Running>;
}

const SETTINGS = { "log.message.timestamp.before.max.ms": String(2 * HOUR_MS) };

let cluster: TestCluster;

/** In the long form: a leader whose followers must have what it has. */
const REPLICATED: Target = {
  ...{ name: "a leader of ours that has followers", isAbsent: false, isOurs: true },
  replicas: [1, 2, 3],
  async start() {
    cluster = await startCluster({ config: SETTINGS });
    return { bootstrapServers: cluster.broker(1).bootstrapServers, stop: () => cluster.close() };
  },
};

const TARGETS: readonly Target[] = [
  {
    ...{ name: "our broker", isAbsent: false, isOurs: true, replicas: [1] },
    async start() {
      const { bootstrapServers, close } = await startBroker({ port: 0, memory: true, config: SETTINGS });
      return { bootstrapServers, stop: close };
    },
  },
  ...(process.env.OTTLA_TEST_DEEP ? [REPLICATED] : []),
  {
    ...{ name: `Apache Kafka ${KAFKA_VERSION}`, isAbsent: kafkaClassPath === null, isOurs: false, replicas: [1] },
    start: () => KafkaProcess.start(SETTINGS),
  },
];

/** All that a broker of the cluster has of the topics, as text. */
async function contentOf(brokerId: number): Promise<string[]> {
  const { partitions } = cluster.broker(brokerId).broker.services;
  const contents = Object.keys(TOPICS).flatMap((topic) =>
    [0, 1, 2].map(async (partition) => {
      const { log } = partitions.get(topic, partition)!;
      const read = await log.read(log.logStartOffset, { limit: "logEnd", maxBytes: 10_000_000, minOneBatch: true });
      const text = read.chunks.map((chunk) => Buffer.from(chunk).toString("hex")).join("");
      read.release();
      return `${topic}-${partition} to ${log.logEndOffset}: ${text}`;
    }),
  );
  return await Promise.all(contents);
}

for (const { name, isAbsent, isOurs, replicas, start } of TARGETS) {
  describe.skipIf(isAbsent)(`what a producer must not send, to ${name}`, () => {
    let target: Running;
    let connection: BrokerConnection;
    const ids = new Map<string, string>();

    beforeAll(async () => {
      target = await start();
      const runtime = createSystemRuntime();
      const address = parseAddress(target.bootstrapServers);
      const connector = createDefaultConnector(runtime);
      connection = await BrokerConnection.open({ connector, runtime, address, clientId: "hand" });
      const assignments = [0, 1, 2].map((partitionIndex) => ({ partitionIndex, brokerIds: replicas }));
      const topics = Object.entries(TOPICS).map(([topic, configs]) => ({
        ...{ name: topic, numPartitions: -1, replicationFactor: -1, assignments },
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      }));
      const created = await connection.request(createTopicsApi, { topics, timeoutMs: 30_000 });
      for (const topic of created.topics) ids.set(topic.name, topic.topicId);
    }, 120_000);

    afterAll(async () => {
      connection?.close();
      await target?.stop();
    });

    const produce = async (topic: Topic, records: readonly Uint8Array[]): Promise<PartitionResult[]> => {
      const partitionData = records.map((bytes, index) => ({ index, records: bytes }));
      const topicData = [{ topicId: ids.get(topic)!, partitionData }];
      const request = { acks: -1, timeoutMs: 10_000, topicData };
      const { responses } = await connection.request(produceApi, request, { version: 13 });
      return [...responses[0]!.partitionResponses].sort((a, b) => a.index - b.index);
    };

    const ends = async (topic: Topic) => {
      const partitions = [0, 1, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
      const { topics } = await connection.request(listOffsetsApi, {
        replicaId: -1,
        topics: [{ name: topic, partitions }],
      });
      return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex).map(({ offset }) => offset);
    };

    /** A leader may not be elected yet. */
    const ready = (topic: Topic) =>
      expect
        .poll(async () => (await produce(topic, [batch(), batch(), batch()])).map((r) => r.errorCode), {
          timeout: 30_000,
        })
        .toEqual([0, 0, 0]);

    /** The batch at an offset of the first partition of a topic. */
    const fetched = async (topic: Topic, fetchOffset: number): Promise<Uint8Array> => {
      const request = {
        maxWaitMs: 5000,
        minBytes: 1,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
      };
      const { responses } = await connection.request(fetchApi, request, { version: 12 });
      return responses[0]!.partitions[0]!.records!;
    };

    it.each(TAKEN)("%s is taken, and mended", async (_what, bytes, baseTimestampMs, maxTimestampMs) => {
      await ready("unbounded");
      const [taken] = await produce("unbounded", [bytes()]);
      expect(nameOf(taken!.errorCode)).toBe("NONE");
      const kept = await fetched("unbounded", taken!.baseOffset);
      expect(isLogAppendTimeAt(kept, 0)).toBe(false);
      expect([baseTimestampAt(kept, 0), maxTimestampAt(kept, 0)]).toEqual([baseTimestampMs, maxTimestampMs]);
    });

    it.each(TABLE)("%s, to a %s topic", async (_what, topic, bytes, refusal, atFault) => {
      await ready(topic);
      const error = typeof refusal === "string" ? refusal : refusal[isOurs ? "ours" : "kafka"];
      const before = await ends(topic);
      const results = await produce(topic, [batch(), bytes(), batch()]);
      const errors = results.map(({ errorCode }) => nameOf(errorCode));
      // Where Kafka cannot tell where a batch ends it refuses the whole request: ours harms nobody else.
      if (!isOurs && errors[0] === error) return expect(errors).toEqual([error, error, error]);
      expect(errors).toEqual(["NONE", error, "NONE"]);
      const { errorMessage, recordErrors, baseOffset } = results[1]!;
      expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual(atFault);
      expect(baseOffset).toBe(-1);
      if (isOurs) expect(errorMessage).toMatch(/\w+ \w+/);
      expect(await ends(topic)).toEqual([before[0]! + 3, before[1]!, before[2]! + 3]);
    });

    if (replicas.length > 1) {
      it("the followers have what the leader has, byte by byte", async () => {
        const content = await contentOf(1);
        expect(content.join().length).toBeGreaterThan(10_000);
        for (const follower of replicas.slice(1))
          await expect.poll(() => contentOf(follower), { timeout: 10_000 }).toEqual(content);
      });
    }
  });
}
