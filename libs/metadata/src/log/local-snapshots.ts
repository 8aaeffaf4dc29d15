import { ByteWriter, encodeRecordBatch, type Message } from "@ottla/protocol";
import { encodeControlBatch, snapshotFooterRecord, snapshotHeaderRecord } from "@ottla/protocol/internal";
import type { Disk } from "@ottla/runtime";
import type { MetadataSnapshot } from "./metadata-log.ts";
import { readEntries } from "./read-entries.ts";

const SNAPSHOT_NAME = /^(\d{20})-(\d{10})\.checkpoint$/;
const TEMPORARY_SUFFIX = ".part";
const RECORDS_PER_BATCH_MAX = 1000;

/** Kafka's snapshots of the metadata log: `<end offset>-<epoch>.checkpoint` beside its segments. */
export class LocalSnapshots {
  readonly #disk: Disk;
  readonly #directory: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  async loadLatest(): Promise<MetadataSnapshot | null> {
    const latest = (await this.#list()).at(-1);
    if (latest === undefined) return null;
    const bytes = await this.#disk.readFile(`${this.#directory}/${latest.name}`);
    return { endOffset: latest.endOffset, epoch: latest.epoch, records: await recordsIn(bytes) };
  }

  /** Writes a snapshot whole or not at all, then removes the ones before it. */
  async store(snapshot: MetadataSnapshot, timestampMs: number): Promise<void> {
    const older = await this.#list();
    const path = `${this.#directory}/${snapshotName(snapshot)}`;
    const file = await this.#disk.open(path + TEMPORARY_SUFFIX, { create: true, truncate: true });
    try {
      await file.write(snapshotBatches(snapshot, timestampMs), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(path + TEMPORARY_SUFFIX, path);
    await this.#disk.syncDirectory(this.#directory);
    for (const { name, endOffset } of older) {
      if (endOffset < snapshot.endOffset) await this.#disk.remove(`${this.#directory}/${name}`);
    }
  }

  /** The snapshots that are there, the oldest first. */
  async #list(): Promise<{ readonly name: string; readonly endOffset: number; readonly epoch: number }[]> {
    const names = (await this.#disk.list(this.#directory)).map((entry) => entry.name);
    return names
      .flatMap((name) => {
        const match = SNAPSHOT_NAME.exec(name);
        return match === null ? [] : [{ name, endOffset: Number(match[1]), epoch: Number(match[2]) }];
      })
      .sort((a, b) => a.endOffset - b.endOffset || a.epoch - b.epoch);
  }
}

function snapshotName({ endOffset, epoch }: MetadataSnapshot): string {
  return `${String(endOffset).padStart(20, "0")}-${String(epoch).padStart(10, "0")}.checkpoint`;
}

/** Header, records and footer as batches with offsets of their own, from 0. */
function snapshotBatches(snapshot: MetadataSnapshot, timestampMs: number): Uint8Array[] {
  const partitionLeaderEpoch = snapshot.epoch;
  let baseOffset = 0;
  const control = (type: "snapshot-header" | "snapshot-footer", value: Uint8Array) =>
    encodeControlBatch({ type, value, timestampMs, baseOffset: baseOffset++, partitionLeaderEpoch });
  const header = { version: 0, lastContainedLogTimestamp: timestampMs };
  const batches = [control("snapshot-header", encodeValue(snapshotHeaderRecord, header))];
  for (let at = 0; at < snapshot.records.length; at += RECORDS_PER_BATCH_MAX) {
    const records = snapshot.records.slice(at, at + RECORDS_PER_BATCH_MAX).map((value) => ({ value }));
    batches.push(encodeRecordBatch({ records, baseOffset, timestampMs, partitionLeaderEpoch }));
    baseOffset += records.length;
  }
  batches.push(control("snapshot-footer", encodeValue(snapshotFooterRecord, { version: 0 })));
  return batches;
}

function encodeValue<Out, In>(message: Message<Out, In>, value: In): Uint8Array {
  const writer = new ByteWriter();
  message.encode(writer, value, 0);
  return writer.toUint8Array();
}

async function recordsIn(bytes: Uint8Array): Promise<Uint8Array[]> {
  const entries = await readEntries(bytes);
  return entries.flatMap((entry) => entry.records);
}
