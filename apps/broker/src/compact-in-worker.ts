import { Worker } from "node:worker_threads";
import { DiskError } from "@ottla/runtime";
import type { CleanedGroup, CompactionExecutor, CompactionJob, CompactionResult } from "@ottla/storage";
import type { CompactionOrder, MessageFromWorker, MessageToWorker } from "./compaction-messages.ts";
import { threadCode } from "./thread-code.ts";

const SWAPPED: MessageToWorker = { type: "swapped" };

/**
 * Compacts logs in a data directory of this machine, each in a thread of its own: reading, hashing and recompressing a
 * log would hold up the event loop. Undefined where the thread's code is not there, which is when the sources run as
 * they are: compaction then takes its turns in this thread.
 */
export function compactInWorker(dataDirectory: string): CompactionExecutor | undefined {
  const url = threadCode("compaction-worker.js");
  if (url === undefined) return undefined;
  return (job, swap, signal) => runWorker(new Worker(url, workerOptions({ dataDirectory, job })), job, swap, signal);
}

function workerOptions(workerData: CompactionOrder) {
  return { workerData, name: "log-cleaner", env: process.env };
}

async function runWorker(
  worker: Worker,
  job: CompactionJob,
  swap: (group: CleanedGroup) => Promise<void>,
  signal: AbortSignal,
): Promise<CompactionResult> {
  worker.unref();
  let swapping: Promise<void> = Promise.resolve();
  try {
    return await new Promise<CompactionResult>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error(`the thread that compacted ${job.directory} ended early`)));
      worker.on("message", (message: MessageFromWorker) => {
        if (message.type === "done") resolve(message.result);
        else if (message.type === "failed") reject(failureOf(message));
        else {
          swapping = swap(message.group);
          swapping.then(() => worker.postMessage(SWAPPED), reject);
        }
      });
    });
  } finally {
    // Neither the thread nor a swap that it has asked for touches a file any more once this has settled.
    await worker.terminate();
    await swapping.catch(() => {});
  }
}

function failureOf({ message, disk }: MessageFromWorker & { readonly type: "failed" }): Error {
  return disk === undefined ? new Error(message) : new DiskError(disk.code, disk.path, message);
}
