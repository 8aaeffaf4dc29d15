import { isUuid } from "@ottla/protocol";
import type { Disk } from "@ottla/runtime";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import { readTextFile, writeFileAtomically } from "./atomic-file.ts";
import { joinPath, PARTITION_METADATA } from "./names.ts";

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

export function writeTopicId(disk: Disk, directory: string, topicId: string): Promise<void> {
  return writeFileAtomically(disk, joinPath(directory, PARTITION_METADATA), `version: 0\ntopic_id: ${topicId}`);
}
