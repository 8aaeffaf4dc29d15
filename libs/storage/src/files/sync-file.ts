import { DiskError, type DiskFile } from "@ottla/runtime";

/**
 * Syncs a file. The system reports a failure once and drops what it could not write, so that a later sync proves nothing:
 * whatever it failed by, a full disk too, does not pass.
 */
export async function syncFile(file: DiskFile): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new DiskError("IO", file.path, `a sync failed: ${error.message}`, { cause: error });
  }
}
