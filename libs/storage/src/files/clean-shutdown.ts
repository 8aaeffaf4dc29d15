import type { Disk } from "@ottla/runtime";
import { readTextFile, writeFileAtomically } from "./atomic-file.ts";
import { CLEAN_SHUTDOWN, joinPath } from "./names.ts";

const VERSION = 0;

/** Stands for the epoch of a broker that was not registered, or of one that a mark says nothing of. */
export const NO_BROKER_EPOCH = -1;

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

export function writeCleanShutdownMark(disk: Disk, directory: string, brokerEpoch: number): Promise<void> {
  const content = JSON.stringify({ version: VERSION, brokerEpoch });
  return writeFileAtomically(disk, joinPath(directory, CLEAN_SHUTDOWN), content);
}

/**
 * In which epoch the broker was that stopped cleanly and left the mark, which stays; null where there is none. By it one
 * that brings back an old copy of its directory is told from one that has what it had (KIP-966).
 */
export async function readCleanShutdownMark(disk: Disk, directory: string): Promise<number | null> {
  const content = await readTextFile(disk, joinPath(directory, CLEAN_SHUTDOWN));
  return content === null ? null : brokerEpochIn(content);
}

/** Apache Kafka's marks were empty once. */
function brokerEpochIn(content: string): number {
  try {
    const { brokerEpoch } = JSON.parse(content) as { readonly brokerEpoch?: unknown };
    return Number.isSafeInteger(brokerEpoch) ? (brokerEpoch as number) : NO_BROKER_EPOCH;
  } catch {
    return NO_BROKER_EPOCH;
  }
}
