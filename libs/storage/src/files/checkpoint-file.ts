import type { Disk } from "@ottla/runtime";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import { readTextFile, replaceFile, writeFileAtomically } from "./atomic-file.ts";

/*
 * Kafka's checkpoint files are text: a version (0), the number of entries, then one entry a line, fields apart by a
 * space.
 */

const CHECKPOINT_VERSION = 0;

/** Offsets by topic and partition: the three `*-offset-checkpoint` files of a log directory. */
export type PartitionOffsets = ReadonlyMap<string, number>;

/** The key of a partition in {@link PartitionOffsets}: `topic` and `partition` as the checkpoint spells them. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

export async function readOffsetCheckpoint(disk: Disk, path: string): Promise<PartitionOffsets> {
  const offsets = new Map<string, number>();
  for (const line of await readCheckpointLines(disk, path)) {
    const match = /^(\S+ \d+) (-?\d+)$/.exec(line);
    if (match === null) throw corrupt(path, line);
    offsets.set(match[1]!, Number(match[2]));
  }
  return offsets;
}

export function writeOffsetCheckpoint(disk: Disk, path: string, offsets: PartitionOffsets): Promise<void> {
  const lines = Array.from(offsets, ([key, offset]) => `${key} ${offset}`);
  return writeFileAtomically(disk, path, formatCheckpoint(lines));
}

/** One line of `leader-epoch-checkpoint`: the leader of `epoch` wrote its first record at `startOffset`. */
export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export async function readEpochCheckpoint(disk: Disk, path: string): Promise<EpochEntry[]> {
  const entries: EpochEntry[] = [];
  for (const line of await readCheckpointLines(disk, path)) {
    const match = /^(\d+) (\d+)$/.exec(line);
    if (match === null) throw corrupt(path, line);
    entries.push({ epoch: Number(match[1]), startOffset: Number(match[2]) });
  }
  return entries;
}

/** The name is not synced: who writes it does that with the other names of the log's directory. */
export function writeEpochCheckpoint(disk: Disk, path: string, entries: readonly EpochEntry[]): Promise<void> {
  const lines = entries.map((entry) => `${entry.epoch} ${entry.startOffset}`);
  return replaceFile(disk, path, formatCheckpoint(lines));
}

function formatCheckpoint(lines: readonly string[]): string {
  return [CHECKPOINT_VERSION, lines.length, ...lines].map((line) => `${line}\n`).join("");
}

async function readCheckpointLines(disk: Disk, path: string): Promise<string[]> {
  const text = await readTextFile(disk, path);
  if (text === null || text === "") return [];
  const [version, count, ...lines] = text.replace(/\n$/, "").split("\n");
  if (version?.trim() !== String(CHECKPOINT_VERSION)) throw corrupt(path, version ?? "");
  if (Number(count) !== lines.length) {
    throw new LogDirectoryCorrupt(path, `it announces ${count} entries and has ${lines.length}`);
  }
  return lines;
}

function corrupt(path: string, line: string): LogDirectoryCorrupt {
  return new LogDirectoryCorrupt(path, `it has a line that does not belong there: ${JSON.stringify(line)}`);
}
