import { ByteReader, ByteWriter, type Uuid } from "@ottla/protocol";
import type { BrokerAnnouncement, MetadataEntry } from "../metadata-log.ts";

/** Where things are, below the chroot of `zookeeper.connect`. The names that Kafka has too are Kafka's. */
export class ZooKeeperPaths {
  readonly root: string;
  readonly brokerIds: string;
  readonly controller: string;
  readonly controllerEpoch: string;
  readonly clusterId: string;
  readonly head: string;
  readonly entries: string;
  readonly snapshots: string;

  constructor(root: string) {
    this.root = root;
    this.brokerIds = `${root}/brokers/ids`;
    this.controller = `${root}/controller`;
    this.controllerEpoch = `${root}/controller_epoch`;
    this.clusterId = `${root}/cluster/id`;
    this.head = `${root}/metadata/head`;
    this.entries = `${root}/metadata/entries`;
    this.snapshots = `${root}/metadata/snapshots`;
  }

  brokerId(brokerId: number): string {
    return `${this.brokerIds}/${brokerId}`;
  }

  entry(baseOffset: number): string {
    return `${this.entries}/${entryName(baseOffset)}`;
  }

  snapshot(name: string): string {
    return `${this.snapshots}/${name}`;
  }

  chunk(name: string, index: number): string {
    return `${this.snapshots}/${name}/${String(index).padStart(6, "0")}`;
  }
}

/** As Kafka names segments: names sort as offsets do. */
export function entryName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
}

/** Where the log begins and ends: the one znode that brokers watch. */
export interface HeadState {
  readonly endOffset: number;
  /** The epoch of the last record, or -1. */
  readonly epoch: number;
  /** Entries below this offset are gone: the snapshot stands for them. */
  readonly logStartOffset: number;
  readonly snapshot: { readonly name: string; readonly epoch: number; readonly chunks: number } | null;
  /** Whose metadata the log began with, or null. */
  readonly origin: Uuid | null;
}

export const EMPTY_HEAD: HeadState = { endOffset: 0, epoch: -1, logStartOffset: 0, snapshot: null, origin: null };

/** An append with the id that tells whether it was done. */
export interface StoredEntry extends MetadataEntry {
  readonly id: Uuid;
}

const ENTRY_VERSION = 1;

export function encodeEntry({ id, epoch, baseOffset, records }: Omit<StoredEntry, "endOffset">): Uint8Array {
  const writer = new ByteWriter();
  writer.writeInt8(ENTRY_VERSION);
  writer.writeUuid(id);
  writer.writeInt32(epoch);
  writer.writeInt64(baseOffset);
  writeRecords(writer, records);
  return writer.toUint8Array();
}

/** @throws Error that names the znode, when it does not hold an entry */
export function decodeEntry(bytes: Uint8Array, path: string): StoredEntry {
  try {
    return readEntry(new ByteReader(bytes));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the znode ${path} does not hold an entry of a metadata log: ${why}`, { cause });
  }
}

function readEntry(reader: ByteReader): StoredEntry {
  const version = reader.readInt8();
  if (version !== ENTRY_VERSION) throw new RangeError(`its version is ${version}`);
  const [id, epoch, baseOffset] = [reader.readUuid(), reader.readInt32(), reader.readInt64()];
  const records = readRecords(reader);
  return { id, epoch, baseOffset, endOffset: baseOffset + records.length, records };
}

const LENGTH_BYTES = 4;

export function encodeRecords(records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writeRecords(writer, records);
  return writer.toUint8Array();
}

export function decodeRecords(bytes: Uint8Array): Uint8Array[] {
  return readRecords(new ByteReader(bytes));
}

function writeRecords(writer: ByteWriter, records: readonly Uint8Array[]): void {
  writer.writeInt32(records.length);
  for (const record of records) writer.writeNullableBytes(record);
}

function readRecords(reader: ByteReader): Uint8Array[] {
  const count = reader.readArrayLength(LENGTH_BYTES);
  return Array.from({ length: count }, () => reader.readNullableBytes()?.slice() ?? new Uint8Array(0));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws Error that names the znode, when it does not hold JSON */
export function decodeJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  const text = decoder.decode(bytes);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`the znode ${path} does not hold what a broker writes there: ${text.slice(0, 80)}`, { cause });
  }
}

export function encodeHead({ endOffset, epoch, logStartOffset, snapshot, origin }: HeadState): Uint8Array {
  return encodeJson({ version: 1, endOffset, epoch, logStartOffset, snapshot, ...(origin !== null && { origin }) });
}

export function decodeHead(bytes: Uint8Array, path: string): HeadState {
  const { endOffset, epoch, logStartOffset, snapshot, origin = null } = decodeJson(bytes, path);
  const isHead = [endOffset, epoch, logStartOffset].every(Number.isSafeInteger);
  if (!isHead) throw new Error(`the znode ${path} is not the head of a metadata log`);
  return { endOffset, epoch, logStartOffset, snapshot, origin } as HeadState;
}

export function encodeAnnouncement({ incarnationId, directoryId }: BrokerAnnouncement, nowMs: number): Uint8Array {
  return encodeJson({ version: 1, incarnationId, directoryId, timestamp: String(nowMs) });
}

export function decodeAnnouncement(brokerId: number, bytes: Uint8Array, path: string): BrokerAnnouncement {
  const { incarnationId, directoryId } = decodeJson(bytes, path);
  return { brokerId, incarnationId: String(incarnationId), directoryId: String(directoryId) };
}

/** As Kafka's. */
export function encodeClusterId(clusterId: Uuid): Uint8Array {
  return encodeJson({ version: "1", id: clusterId });
}

export function decodeClusterId(bytes: Uint8Array, path: string): Uuid {
  const { id } = decodeJson(bytes, path);
  if (typeof id === "string" && id !== "") return id;
  throw new Error(`the znode ${path} does not hold a cluster's id`);
}

/** As Kafka's. */
export function encodeController(brokerId: number, nowMs: number): Uint8Array {
  return encodeJson({ version: 2, brokerid: brokerId, timestamp: String(nowMs), kraftControllerEpoch: -1 });
}

export function decodeControllerId(bytes: Uint8Array, path: string): number {
  return Number(decodeJson(bytes, path).brokerid);
}

export function encodeEpoch(epoch: number): Uint8Array {
  return encoder.encode(String(epoch));
}

export function decodeEpoch(bytes: Uint8Array): number {
  return Number(decoder.decode(bytes));
}
