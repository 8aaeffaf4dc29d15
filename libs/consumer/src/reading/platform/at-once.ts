import { RecordRunner } from "../record-runner.ts";

/** What runs several handlers at once: here from the start. */
export function loadRecordRunner(): typeof RecordRunner | Promise<typeof RecordRunner> {
  return RecordRunner;
}
