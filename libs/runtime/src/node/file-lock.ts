import { constants, promises as fs } from "node:fs";
import { DiskError, type DiskLock } from "../disk.ts";
import { errnoOf } from "./node-errors.ts";
import { lockBySocket } from "./socket-lock.ts";

/** `open` flags that Node.js passes on without naming them. BSD and macOS: O_EXLOCK. Windows: UV_FS_O_EXLOCK. */
const BSD_O_EXLOCK = 0x20;
const WINDOWS_EXLOCK = 0x10000000;

/** Takes an exclusive lock that the kernel releases with its holder (see docs/decisions, "Data directory lock"). */
export function lockFile(path: string): Promise<DiskLock> {
  return process.platform === "linux" ? lockBySocket(path) : lockByExclusiveOpen(path);
}

async function lockByExclusiveOpen(path: string): Promise<DiskLock> {
  const exclusive = process.platform === "win32" ? WINDOWS_EXLOCK : BSD_O_EXLOCK | constants.O_NONBLOCK;
  try {
    const handle = await fs.open(path, constants.O_RDWR | constants.O_CREAT | exclusive, 0o644);
    return { release: () => handle.close() };
  } catch (error) {
    const isHeld = ["EAGAIN", "EWOULDBLOCK", "EBUSY"].includes(errnoOf(error) ?? "");
    if (!isHeld) throw error;
    throw new DiskError("LOCKED", path, `${path} is locked by another process`, { cause: error });
  }
}
