import { onAbort, type Timers } from "@ottla/runtime";
import { abortError } from "../transport-error.ts";

/** Resolves after `delayMs`; rejects with ABORTED when `signal` is aborted first. */
export function delay(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const stopListening = onAbort(signal, () => {
      timer.cancel();
      reject(abortError(signal!));
    });
    const timer = timers.schedule(delayMs, () => {
      stopListening();
      resolve();
    });
  });
}

/** `promise`, or a rejection with ABORTED when `signal` is aborted first; what `promise` does goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(abortError(signal));
    const stopListening = onAbort(signal, () => reject(abortError(signal)));
    promise.then(resolve, reject).finally(stopListening);
  });
}
