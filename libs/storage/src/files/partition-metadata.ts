import { isUuid } from "@ottla/protocol";
import { type Disk, DiskError, type DiskFile } from "@ottla/runtime";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import { readTextFile, writeFileAtomically } from "./atomic-file.ts";
import { joinPath, PARTITION_METADATA } from "./names.ts";
import { syncFile } from "./sync-file.ts";

const encoder = new TextEncoder();

/**
 * The topic id in a partition directory's `partition.metadata`, or null where there is none. What is no topic id is
 * damage: taken for another topic's, it would cost the partition its records.
 */
export async function readTopicId(disk: Disk, directory: string): Promise<string | null> {
  const path = joinPath(directory, PARTITION_METADATA);
  const text = await readTextFile(disk, path);
  if (text === null) return null;
  const match = /^version: 0\r?\ntopic_id: (\S+)\s*$/.exec(text);
  if (match === null) throw new LogDirectoryCorrupt(path, "it is not a partition.metadata file of version 0");
  const topicId = match[1]!;
  if (!isUuid(topicId)) throw new LogDirectoryCorrupt(path, `its topic id ${JSON.stringify(topicId)} is none`);
  return topicId;
}

/**
 * The same where the file may never have reached the disk whole: then it is null as well. That is so of a log that has not
 * been synced since it was made.
 */
export async function readUnsyncedTopicId(disk: Disk, directory: string): Promise<string | null> {
  try {
    return await readTopicId(disk, directory);
  } catch (error) {
    if (error instanceof LogDirectoryCorrupt) return null;
    throw error;
  }
}

/** Writes it for a log that is being made. A power cut may take it back until {@link syncTopicId}. */
export async function writeTopicId(disk: Disk, directory: string, topicId: string): Promise<void> {
  const file = await disk.open(joinPath(directory, PARTITION_METADATA), { create: true, truncate: true });
  await closing(file, () => file.write([encoder.encode(contentFor(topicId))], 0));
}

/** Writes it for a log that has none and holds records: whatever crash comes, it is there whole or not at all. */
export async function adoptTopicId(disk: Disk, directory: string, topicId: string): Promise<void> {
  await writeFileAtomically(disk, joinPath(directory, PARTITION_METADATA), contentFor(topicId));
}

function contentFor(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

/** Makes its content durable, where there is one, but not its name. */
export async function syncTopicId(disk: Disk, directory: string): Promise<void> {
  let file: DiskFile;
  try {
    file = await disk.open(joinPath(directory, PARTITION_METADATA));
  } catch (error) {
    if (error instanceof DiskError && error.code === "NOT_FOUND") return;
    throw error;
  }
  await closing(file, () => syncFile(file));
}

async function closing(file: DiskFile, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } finally {
    await file.close();
  }
}
