import type { Disk } from "@ottla/runtime";
import { readTextFile, writeFileAtomically } from "./atomic-file.ts";
import { CLEAN_SHUTDOWN, joinPath } from "./names.ts";

const VERSION = 0;
const NO_BROKER_EPOCH = -1;

/**
 * Whether the last stop was clean. The mark is removed at once, so that a crash while the logs are being opened
 * counts as an unclean stop. That it is gone is made durable also where it was gone already: the process that removed
 * it may have been killed in between, and a power cut would bring it back.
 */
export async function takeCleanShutdownMark(disk: Disk, directory: string): Promise<boolean> {
  const path = joinPath(directory, CLEAN_SHUTDOWN);
  const wasClean = (await readTextFile(disk, path)) !== null;
  if (wasClean) await disk.remove(path);
  await disk.syncDirectory(directory);
  return wasClean;
}

export function writeCleanShutdownMark(disk: Disk, directory: string): Promise<void> {
  const content = JSON.stringify({ version: VERSION, brokerEpoch: NO_BROKER_EPOCH });
  return writeFileAtomically(disk, joinPath(directory, CLEAN_SHUTDOWN), content);
}
