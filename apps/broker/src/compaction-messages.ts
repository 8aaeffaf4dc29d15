import type { DiskErrorCode } from "@ottla/runtime";
import type { CleanedGroup, CompactionJob, CompactionResult } from "@ottla/storage";

/** What a compaction thread is started with. */
export interface CompactionOrder {
  readonly dataDirectory: string;
  readonly job: CompactionJob;
}

export type MessageFromWorker =
  | { readonly type: "swap"; readonly group: CleanedGroup }
  | { readonly type: "done"; readonly result: CompactionResult }
  /** `disk` where a DiskError is the cause: an error loses its fields on the way between threads. */
  | { readonly type: "failed"; readonly message: string; readonly disk?: { code: DiskErrorCode; path: string } };

/** The group that the thread told of last is in place. */
export type MessageToWorker = { readonly type: "swapped" };
