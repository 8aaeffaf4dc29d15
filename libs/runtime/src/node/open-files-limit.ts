import { readFileSync } from "node:fs";

/** How many files this process may have open; null where the system does not tell, which is all but Linux. */
export function openFilesLimit(readLimits = readProcessLimits): number | null {
  const match = /^Max open files +(\d+) /m.exec(readLimits());
  return match === null ? null : Number(match[1]);
}

function readProcessLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
