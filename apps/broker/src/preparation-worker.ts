import { parentPort } from "node:worker_threads";
import { prepareBatch } from "@ottla/broker/internal";
import { KafkaError } from "@ottla/protocol";
import { AppendRejected } from "@ottla/storage";
import type { MessageFromWorker, MessageToWorker } from "./preparation-messages.ts";

/** The thread that looks into large batches, and compresses them anew, one after another. */
const port = parentPort!;

port.on("message", async ({ id, batch, order }: MessageToWorker) => {
  try {
    const prepared = await prepareBatch(batch, order);
    const whole = prepared.length === prepared.buffer.byteLength ? prepared : prepared.slice();
    tell({ id, type: "prepared", batch: whole }, [whole.buffer as ArrayBuffer]);
  } catch (error) {
    tell({ id, ...failureOf(error) });
  }
});

function tell(message: MessageFromWorker, moved: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}

function failureOf(error: unknown) {
  if (error instanceof AppendRejected || error instanceof KafkaError) {
    const recordErrors = error instanceof AppendRejected ? error.recordErrors : [];
    return { type: "rejected", errno: error.errno, message: error.message, recordErrors } as const;
  }
  return { type: "failed", message: String(error) } as const;
}
