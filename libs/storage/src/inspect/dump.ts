import { type RecordBatch, type RecordView, readRecordBatch } from "@ottla/protocol";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  compressionAt,
  crcAt,
  hasDeleteHorizonAt,
  isControlBatchAt,
  isLogAppendTimeAt,
  isTransactionalAt,
  lastOffsetAt,
  lastSequenceAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  producerEpochAt,
  producerIdAt,
  readControlRecord,
  readEndTransactionMarker,
  recordsCountAt,
} from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";
import { readEpochCheckpoint, readOffsetCheckpoint } from "../files/checkpoint-file.ts";
import * as names from "../files/names.ts";
import { decodeProducerSnapshot } from "../producers/producer-snapshot.ts";
import { type WalkedBatch, walkBatches } from "./batch-walk.ts";
import { type IndexContent, readOffsetIndex, readTimeIndex, readTransactionIndex } from "./index-entries.ts";

/** One thing that a file holds, with its fields in the order in which they are to be shown. */
export interface DumpEntry {
  readonly kind:
    | "batch"
    | "record"
    | "damage"
    | "offsetIndexEntry"
    | "timeIndexEntry"
    | "abortedTransaction"
    | "producer"
    | "leaderEpoch"
    | "checkpoint"
    | "property";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What stands in a record's key and value, for a topic whose records have a known format; undefined for others. */
export type RecordDecoder = (topic: string, record: RecordView) => unknown;

export interface DumpOptions {
  /** Show the records of each batch, not the batches alone. */
  readonly records?: boolean;
  readonly decode?: RecordDecoder;
  /** Told of bytes of a log that have been read. */
  readonly onRead?: (sizeBytes: number) => void;
}

/** The file's name is none that Kafka gives to a file in a log directory. */
export class UnknownLogFile extends Error {
  constructor(path: string) {
    super(`${path} has not the name of a file that a log directory holds`);
    this.name = "UnknownLogFile";
  }
}

/** Everything that a file of a log directory holds. What kind of file it is, its name says, as everywhere in Kafka. */
export function dumpFile(disk: Disk, path: string, options: DumpOptions = {}): AsyncIterable<DumpEntry> {
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.(deleted|cleaned|swap)$/, "");
  const offset = (suffix: string) => names.offsetOfFileName(name, suffix);
  if (/^\d{20}(-\d{10})?\.(log|checkpoint)$/.test(name)) return dumpLog(disk, path, options);
  const offsetIndexBase = offset(names.OFFSET_INDEX_SUFFIX);
  if (offsetIndexBase !== null) {
    return dumpIndex(disk, path, "offsetIndexEntry", (bytes) => readOffsetIndex(bytes, offsetIndexBase));
  }
  const timeIndexBase = offset(names.TIME_INDEX_SUFFIX);
  if (timeIndexBase !== null) {
    return dumpIndex(disk, path, "timeIndexEntry", (bytes) => readTimeIndex(bytes, timeIndexBase));
  }
  if (offset(names.TRANSACTION_INDEX_SUFFIX) !== null) {
    return dumpIndex(disk, path, "abortedTransaction", readTransactionIndex);
  }
  if (offset(names.PRODUCER_SNAPSHOT_SUFFIX) !== null) return dumpSnapshot(disk, path);
  return dumpText(disk, path, name);
}

async function* dumpLog(disk: Disk, path: string, options: DumpOptions): AsyncGenerator<DumpEntry> {
  for await (const walked of walkBatches(disk, path, options.onRead)) {
    if (walked.sizeBytes > 0) yield { kind: "batch", fields: batchFields(walked) };
    if (walked.problem !== null) yield damage(walked.filePosition, walked.problem);
    else if (options.records) yield* dumpRecords(walked, path, options.decode);
  }
}

function batchFields({ bytes, position, filePosition, sizeBytes, problem }: WalkedBatch) {
  return {
    baseOffset: baseOffsetAt(bytes, position),
    lastOffset: lastOffsetAt(bytes, position),
    count: recordsCountAt(bytes, position),
    baseSequence: baseSequenceAt(bytes, position),
    lastSequence: lastSequenceAt(bytes, position),
    producerId: producerIdAt(bytes, position),
    producerEpoch: producerEpochAt(bytes, position),
    partitionLeaderEpoch: partitionLeaderEpochAt(bytes, position),
    isTransactional: isTransactionalAt(bytes, position),
    isControl: isControlBatchAt(bytes, position),
    ...(hasDeleteHorizonAt(bytes, position) ? { deleteHorizonMs: baseTimestampAt(bytes, position) } : {}),
    position: filePosition,
    timestampType: isLogAppendTimeAt(bytes, position) ? "LogAppendTime" : "CreateTime",
    maxTimestampMs: maxTimestampAt(bytes, position),
    sizeBytes,
    compression:
      COMPRESSIONS[compressionAt(bytes, position)] ?? `unknown (attributes ${attributesAt(bytes, position)})`,
    crc: crcAt(bytes, position),
    isValid: problem === null,
  };
}

const COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"];

async function* dumpRecords(
  { bytes, position, filePosition }: WalkedBatch,
  path: string,
  decode: RecordDecoder | undefined,
): AsyncGenerator<DumpEntry> {
  const topic = topicOf(path);
  try {
    const batch = await readRecordBatch(bytes, position, { checkCrcs: false });
    for (const record of batch) yield { kind: "record", fields: recordFields(batch, record, topic, decode) };
  } catch (error) {
    // The CRC is right, so that is how the batch was sent. A leader finds it where records are not compressed, Kafka's always.
    yield damage(filePosition, `its records cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function recordFields(batch: RecordBatch, record: RecordView, topic: string, decode: RecordDecoder | undefined) {
  const common = { offset: record.offset, timestampMs: record.timestampMs };
  if (batch.isControlBatch) return { ...common, ...controlFields(record) };
  const headers = Array.from(record.headers, ([key, value]) => ({ key, value }));
  const decoded = decode?.(topic, record);
  return {
    ...common,
    keyBytes: record.key?.length ?? -1,
    valueBytes: record.value?.length ?? -1,
    ...(headers.length > 0 ? { headers } : {}),
    ...(decoded === undefined ? { key: record.key, value: record.value } : { decoded }),
  };
}

function controlFields(record: RecordView) {
  const { type } = readControlRecord(record.key);
  const marker = type === "abort" || type === "commit" ? readEndTransactionMarker(record.key, record.value) : null;
  return { control: type, ...(marker === null ? {} : { coordinatorEpoch: marker.coordinatorEpoch }) };
}

/** The directory that a log lies in is named for its partition. */
function topicOf(path: string): string {
  const directory = path.split("/").at(-2) ?? "";
  return names.parsePartitionDirectoryName(directory)?.topic ?? "";
}

async function* dumpIndex(
  disk: Disk,
  path: string,
  kind: DumpEntry["kind"],
  read: (bytes: Uint8Array) => IndexContent<object>,
): AsyncGenerator<DumpEntry> {
  const bytes = await disk.readFile(path);
  const { entries, extraBytes } = read(bytes);
  for (const entry of entries) yield { kind, fields: { ...entry } };
  if (extraBytes > 0) yield damage(bytes.length - extraBytes, `${extraBytes} bytes at the end are no whole entry`);
}

async function* dumpSnapshot(disk: Disk, path: string): AsyncGenerator<DumpEntry> {
  for (const entry of decodeProducerSnapshot(await disk.readFile(path), 0)) {
    const { producerId, producerEpoch, coordinatorEpoch, transactionFirstOffset, lastTimestampMs } = entry;
    const last = entry.batches.at(-1);
    yield {
      kind: "producer",
      fields: {
        producerId,
        producerEpoch,
        coordinatorEpoch,
        transactionFirstOffset,
        lastTimestampMs,
        ...(last === undefined ? {} : { ...last }),
      },
    };
  }
}

async function* dumpText(disk: Disk, path: string, name: string): AsyncGenerator<DumpEntry> {
  switch (name) {
    case names.LEADER_EPOCH_CHECKPOINT:
      for (const entry of await readEpochCheckpoint(disk, path)) yield { kind: "leaderEpoch", fields: { ...entry } };
      return;
    case names.RECOVERY_POINT_CHECKPOINT:
    case names.HIGH_WATERMARK_CHECKPOINT:
    case names.LOG_START_CHECKPOINT:
    case names.CLEANER_CHECKPOINT:
      for (const [key, offset] of await readOffsetCheckpoint(disk, path)) {
        const [topic, partition] = key.split(" ");
        yield { kind: "checkpoint", fields: { topic, partition: Number(partition), offset } };
      }
      return;
    case names.PARTITION_METADATA:
    case names.META_PROPERTIES:
      for (const line of new TextDecoder().decode(await disk.readFile(path)).split(/\r?\n/)) {
        const match = /^([^#=:\s]+)\s*[=:]\s*(.*)$/.exec(line);
        if (match !== null) yield { kind: "property", fields: { [match[1]!]: match[2] } };
      }
      return;
    default:
      throw new UnknownLogFile(path);
  }
}

function damage(position: number, problem: string): DumpEntry {
  return { kind: "damage", fields: { position, problem } };
}
