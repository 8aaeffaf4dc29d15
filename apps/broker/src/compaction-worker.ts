import { setPriority } from "node:os";
import { parentPort, threadId, workerData } from "node:worker_threads";
import { createSystemRuntime, DiskError } from "@ottla/runtime";
import { createNodeDisk } from "@ottla/runtime/node";
import type { CleanedGroup } from "@ottla/storage";
import { cleanLog } from "@ottla/storage/internal";
import type { CompactionOrder, MessageFromWorker } from "./compaction-messages.ts";

/** The thread that compacts one log. It waits after each group until the broker has put the group in place. */
const { dataDirectory, job } = workerData as CompactionOrder;
const port = parentPort!;
const tell = (message: MessageFromWorker) => port.postMessage(message);

/** As `nice` has it: whoever wants the processor more gets it. */
const BACKGROUND_PRIORITY = 10;

/**
 * Compaction can wait, and clients cannot. On Linux each thread has a priority of its own; elsewhere this would slow the
 * whole process down.
 */
function yieldToOthers(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(BACKGROUND_PRIORITY);
  } catch {
    // Whoever may not lower it goes on as it is.
  }
}

function swap(group: CleanedGroup): Promise<void> {
  return new Promise((resolve) => {
    port.once("message", () => resolve());
    tell({ type: "swap", group });
  });
}

yieldToOthers();
try {
  // The broker ends the thread to end the compaction.
  const { signal } = new AbortController();
  const result = await cleanLog(createNodeDisk(dataDirectory), createSystemRuntime(), job, swap, signal);
  tell({ type: "done", result: { ...result, thread: `log-cleaner-${threadId}` } });
} catch (error) {
  const disk = error instanceof DiskError ? { disk: { code: error.code, path: error.path } } : {};
  tell({ type: "failed", message: String(error), ...disk });
}
