import { startBroker } from "@ottla/broker-app";
import {
  createTopicsApi,
  encodeRecordBatch,
  listOffsetsApi,
  produceApi,
  RecordBatchBuilder,
  type RecordBatchInput,
  type ResponseOf,
} from "@ottla/protocol";
import { writeBatchCrc } from "@ottla/protocol/internal";
import { createSystemRuntime } from "@ottla/runtime";
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

/** The same with something changed in it, and a CRC that agrees all the same. */
function changed(change: (view: DataView) => void, options: { readonly fixCrc?: boolean } = { fixCrc: true }) {
  const bytes = batch().slice();
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

/** What is wrong, where it goes, the bytes, Kafka's error, and the records that are named as at fault. */
const TABLE: readonly (readonly [string, "plain" | "compacted", () => Uint8Array, string, number[]])[] = [
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
];

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

interface Target {
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

const SETTINGS = { "log.message.timestamp.before.max.ms": String(2 * HOUR_MS) };

const TARGETS: readonly (readonly [string, boolean, () => Promise<Target>])[] = [
  [
    "our broker",
    true,
    async () => {
      const { bootstrapServers, close } = await startBroker({ port: 0, memory: true, config: SETTINGS });
      return { bootstrapServers, stop: close };
    },
  ],
  [`Apache Kafka ${KAFKA_VERSION}`, kafkaClassPath !== null, () => KafkaProcess.start(SETTINGS)],
];

for (const [name, isHere, startTarget] of TARGETS) {
  const isOurs = name === TARGETS[0]![0];
  describe.skipIf(!isHere)(`what a producer must not send, to ${name}`, () => {
    let target: Target;
    let connection: BrokerConnection;
    const ids = new Map<string, string>();

    beforeAll(async () => {
      target = await startTarget();
      const runtime = createSystemRuntime();
      const address = parseAddress(target.bootstrapServers);
      const connector = createDefaultConnector(runtime);
      connection = await BrokerConnection.open({ connector, runtime, address, clientId: "hand" });
      const topics = ["plain", "compacted"].map((topic) => ({
        name: topic,
        numPartitions: 3,
        replicationFactor: 1,
        assignments: [],
        configs: topic === "compacted" ? [{ name: "cleanup.policy", value: "compact" }] : [],
      }));
      const created = await connection.request(createTopicsApi, { topics, timeoutMs: 30_000 });
      for (const topic of created.topics) ids.set(topic.name, topic.topicId);
    }, 120_000);

    afterAll(async () => {
      connection?.close();
      await target?.stop();
    });

    const produce = async (topic: string, records: readonly Uint8Array[]): Promise<PartitionResult[]> => {
      const partitionData = records.map((bytes, index) => ({ index, records: bytes }));
      const topicData = [{ topicId: ids.get(topic)!, partitionData }];
      const request = { acks: -1, timeoutMs: 10_000, topicData };
      const { responses } = await connection.request(produceApi, request, { version: 13 });
      return [...responses[0]!.partitionResponses].sort((a, b) => a.index - b.index);
    };

    const ends = async (topic: string) => {
      const partitions = [0, 1, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
      const { topics } = await connection.request(listOffsetsApi, {
        replicaId: -1,
        topics: [{ name: topic, partitions }],
      });
      return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex).map(({ offset }) => offset);
    };

    it.each(TABLE)("%s, to a %s topic", async (_what, topic, bytes, error, atFault) => {
      // A leader may not be elected yet.
      await expect
        .poll(async () => (await produce(topic, [batch(), batch(), batch()])).map((r) => r.errorCode))
        .toEqual([0, 0, 0]);
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
  });
}
