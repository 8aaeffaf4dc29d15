import { type Disk, DiskError } from "@ottla/runtime";
import { TEMPORARY_SUFFIX } from "./names.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Replaces a file's content so that a crash at any point leaves the old content or the new. */
export async function writeFileAtomically(disk: Disk, path: string, content: string | Uint8Array): Promise<void> {
  await replaceFile(disk, path, content);
  await disk.syncDirectory(parentDirectory(path));
}

/** The same, but that a power cut may leave the old content until the directory is synced. */
export async function replaceFile(disk: Disk, path: string, content: string | Uint8Array): Promise<void> {
  const temporaryPath = path + TEMPORARY_SUFFIX;
  const file = await disk.open(temporaryPath, { create: true, truncate: true });
  try {
    await file.write([typeof content === "string" ? encoder.encode(content) : content], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporaryPath, path);
}

/** A text file's content, or null where there is none. */
export async function readTextFile(disk: Disk, path: string): Promise<string | null> {
  const bytes = await readFileIfPresent(disk, path);
  return bytes === null ? null : decoder.decode(bytes);
}

export async function readFileIfPresent(disk: Disk, path: string): Promise<Uint8Array | null> {
  try {
    return await disk.readFile(path);
  } catch (error) {
    if (error instanceof DiskError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

function parentDirectory(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
