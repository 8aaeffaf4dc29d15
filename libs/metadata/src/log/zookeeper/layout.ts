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

/** Where the log begins and ends: the one znode of the log that brokers watch. */
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
  return decodeWhole(bytes, path, "an entry of a metadata log", (reader) => ({
    ...readEntry(reader),
    where: `znode ${path}`,
  }));
}

function readEntry(reader: ByteReader): StoredEntry {
  const version = reader.readInt8();
  if (version !== ENTRY_VERSION) throw new RangeError(`its version is ${version}`);
  const [id, epoch, baseOffset] = [reader.readUuid(), reader.readInt32(), reader.readInt64()];
  const records = readRecords(reader);
  return { id, epoch, baseOffset, endOffset: baseOffset + records.length, records };
}

function decodeWhole<T>(bytes: Uint8Array, path: string, what: string, read: (reader: ByteReader) => T): T {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    if (reader.remaining > 0) throw new RangeError(`${reader.remaining} bytes are left after it`);
    return value;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the znode ${path} does not hold ${what}: ${why}`, { cause });
  }
}

const LENGTH_BYTES = 4;

export function encodeRecords(records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writeRecords(writer, records);
  return writer.toUint8Array();
}

/** @throws Error that names the znode, when it does not hold a part of a snapshot */
export function decodeChunk(bytes: Uint8Array, path: string): Uint8Array[] {
  return decodeWhole(bytes, path, "a part of a snapshot of the metadata", readRecords);
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

/** @throws Error that names the znode, when it does not hold an object in JSON */
export function decodeJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw corrupt(bytes, path, { cause });
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw corrupt(bytes, path);
}

function corrupt(bytes: Uint8Array, path: string, options?: ErrorOptions): Error {
  const text = decoder.decode(bytes.subarray(0, 80));
  return new Error(`the znode ${path} does not hold what a broker writes there: ${text}`, options);
}

export function encodeHead({ endOffset, epoch, logStartOffset, snapshot, origin }: HeadState): Uint8Array {
  return encodeJson({ version: 1, endOffset, epoch, logStartOffset, snapshot, ...(origin !== null && { origin }) });
}

export function decodeHead(bytes: Uint8Array, path: string): HeadState {
  const { endOffset, epoch, logStartOffset, snapshot, origin = null } = decodeJson(bytes, path);
  const isHead = [endOffset, epoch, logStartOffset].every(Number.isSafeInteger) && isSnapshotOrNull(snapshot);
  if (!isHead) throw new Error(`the znode ${path} is not the head of a metadata log`);
  return { endOffset, epoch, logStartOffset, snapshot, origin } as HeadState;
}

function isSnapshotOrNull(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { name, epoch, chunks } = value as Partial<NonNullable<HeadState["snapshot"]>>;
  return typeof name === "string" && Number.isSafeInteger(epoch) && Number.isSafeInteger(chunks);
}

export function encodeAnnouncement({ incarnationId, directoryId }: BrokerAnnouncement, nowMs: number): Uint8Array {
  return encodeJson({ version: 1, incarnationId, directoryId, timestamp: String(nowMs) });
}

/** @throws Error that names the znode, when it does not say who the broker is */
export function decodeAnnouncement(brokerId: number, bytes: Uint8Array, path: string): BrokerAnnouncement {
  const { incarnationId, directoryId } = decodeJson(bytes, path);
  if (typeof incarnationId !== "string" || typeof directoryId !== "string") throw corrupt(bytes, path);
  return { brokerId, incarnationId, directoryId };
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

/** @throws Error that names the znode, when it does not say who is controller */
export function decodeControllerId(bytes: Uint8Array, path: string): number {
  const { brokerid } = decodeJson(bytes, path);
  if (typeof brokerid !== "number" || !Number.isSafeInteger(brokerid)) throw corrupt(bytes, path);
  return brokerid;
}

export function encodeEpoch(epoch: number): Uint8Array {
  return encoder.encode(String(epoch));
}

/** @throws Error that names the znode, when it does not hold an epoch: the next one would be none either */
export function decodeEpoch(bytes: Uint8Array, path: string): number {
  const text = decoder.decode(bytes);
  const epoch = Number(text);
  if (!/^\d+$/.test(text) || epoch > EPOCH_MAX) throw corrupt(bytes, path);
  return epoch;
}

/** Kafka's epochs have 32 bits, and another one has to come after this. */
const EPOCH_MAX = 2 ** 31 - 2;
