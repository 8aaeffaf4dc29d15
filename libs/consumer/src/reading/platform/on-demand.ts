import type { RecordRunner } from "../record-runner.ts";

/** What runs several handlers at once: a page loads it with its first run. */
export async function loadRecordRunner(): Promise<typeof RecordRunner> {
  return (await import("../record-runner.ts")).RecordRunner;
}
