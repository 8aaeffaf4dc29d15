import { Worker } from "node:worker_threads";
import type { PreparationExecutor } from "@ottla/broker";
import type { PreparationOrder } from "@ottla/broker/internal";
import { AppendRejected } from "@ottla/storage";
import type { MessageFromWorker, MessageToWorker } from "./preparation-messages.ts";
import { threadCode } from "./thread-code.ts";

/** A thread takes a few megabytes, and tens of milliseconds to start. */
const IDLE_MAX_MS = 10_000;

/**
 * Prepares batches in a thread of its own, which ends when there has been nothing to do for a while. Undefined where the
 * thread's code is not there, which is when the sources run as they are.
 */
export function prepareInWorker(): PreparationExecutor | undefined {
  const url = threadCode("preparation-worker.js");
  if (url === undefined) return undefined;
  let thread: PreparationThread | null = null;
  return (batch, order) => {
    if (thread === null || thread.hasEnded) thread = new PreparationThread(url);
    return thread.prepare(batch, order);
  };
}

interface Waiting {
  readonly resolve: (batch: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

class PreparationThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;
  hasEnded = false;

  constructor(url: URL) {
    this.#worker = new Worker(url, { name: "batch-preparation", env: process.env });
    this.#worker.unref();
    this.#worker.on("message", (message: MessageFromWorker) => this.#take(message));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the thread that prepares batches ended early")));
  }

  prepare(batch: Uint8Array, order: PreparationOrder): Promise<Uint8Array> {
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    const own = batch.slice();
    const message: MessageToWorker = { id, batch: own, order };
    this.#worker.postMessage(message, [own.buffer]);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #take(message: MessageFromWorker): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.#endIdle(), IDLE_MAX_MS).unref();
    if (message.type === "prepared") waiting?.resolve(message.batch);
    else waiting?.reject(errorOf(message));
  }

  #endIdle(): void {
    this.hasEnded = true;
    void this.#worker.terminate();
  }

  #end(error: Error): void {
    this.hasEnded = true;
    clearTimeout(this.#idle);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function errorOf(message: Exclude<MessageFromWorker, { readonly type: "prepared" }>): Error {
  if (message.type === "failed") return new Error(message.message);
  return new AppendRejected(message.errno, message.message, message.recordErrors);
}
