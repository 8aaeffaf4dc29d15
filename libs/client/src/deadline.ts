import { onAbort, type Runtime } from "@ottla/runtime";
import { aborted, invalidArgument, late, timedOut } from "./errors.ts";

/** When and how an operation may be cut short. */
export interface CallOptions {
  /** Ends the operation; its promise then rejects with code `ABORTED`. What was already sent is not taken back. */
  readonly signal?: AbortSignal | undefined;
  /** The longest that the operation may take, retries included. Default: `defaultApiTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** The end of an operation: by time, or by the caller's signal. One is made for each operation and passed down. */
export class Deadline {
  readonly #what: string;
  readonly #runtime: Runtime;
  readonly #timeoutMs: number;
  readonly #endsAtMs: number;
  readonly signal: AbortSignal | undefined;
  /** Why the operation has not succeeded yet; becomes the `cause` when its time is over. */
  lastFailure: unknown;

  /** @param what names the operation in errors: "Fetching metadata", "createTopics" */
  constructor(what: string, runtime: Runtime, timeoutMs: number, signal?: AbortSignal | undefined) {
    if (Number(timeoutMs) !== timeoutMs) throw invalidArgument(`${what}: timeoutMs is no number.`);
    this.#what = what;
    this.#runtime = runtime;
    this.#timeoutMs = timeoutMs;
    this.#endsAtMs = runtime.clock.monotonicMs() + timeoutMs;
    this.signal = signal ?? undefined;
  }

  get remainingMs(): number {
    return this.#endsAtMs - this.#runtime.clock.monotonicMs();
  }

  /** Whether the operation is to end now. */
  get isOver(): boolean {
    return this.signal?.aborted === true || this.remainingMs <= 0;
  }

  /** The error for an operation whose time is over. */
  timeoutError(): Error {
    return timedOut(this.#what, this.#timeoutMs, this.lastFailure);
  }

  /** @throws KafkaError `ABORTED` or `REQUEST_TIMED_OUT` if the operation is to end now */
  check(): void {
    if (this.signal?.aborted) throw aborted(this.signal);
    if (this.remainingMs <= 0) throw this.timeoutError();
  }

  /**
   * Settles as `promise` does, or rejects when the deadline comes first; `promise` itself goes on for others.
   * @param lacking what was still awaited then, where nothing has failed before: "localhost:9092 did not answer Fetch"
   */
  async race<T>(promise: Promise<T>, lacking?: string): Promise<T> {
    promise.catch(() => {}); // where the deadline has come already, nobody else may look at it
    const { promise: over, cancel } = this.#over(lacking);
    try {
      this.check();
      return await Promise.race([promise, over]);
    } finally {
      cancel();
    }
  }

  /** A promise that rejects when the deadline comes, until it is cancelled. */
  #over(lacking: string | undefined): { readonly promise: Promise<never>; readonly cancel: () => void } {
    const { signal } = this;
    let cancel = () => {};
    const promise = new Promise<never>((_, reject) => {
      const stopListening = onAbort(signal, () => reject(aborted(signal!)));
      const onTimeout = () => {
        if (lacking) this.lastFailure ??= late(lacking);
        reject(this.timeoutError());
      };
      const timer = Number.isFinite(this.#endsAtMs)
        ? this.#runtime.timers.schedule(this.remainingMs, onTimeout, { keepAlive: true })
        : undefined;
      cancel = () => {
        timer?.cancel();
        stopListening();
      };
    });
    return { promise, cancel };
  }

  /** Waits; rejects when the deadline comes first, at once if it would come within `delayMs`. */
  async sleep(delayMs: number): Promise<void> {
    this.check();
    if (delayMs >= this.remainingMs) throw this.timeoutError();
    await sleep(this.#runtime, delayMs, this.signal);
  }
}

/** Whether it can be listened to. */
export function isSignal(signal: unknown): boolean {
  return typeof (signal as Partial<AbortSignal>)?.addEventListener === "function";
}

/** Waits `delayMs`, or rejects with code `ABORTED` when the signal comes first. */
export function sleep(runtime: Runtime, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const stopListening = onAbort(signal, () => {
      timer.cancel();
      reject(aborted(signal!));
    });
    const timer = runtime.timers.schedule(
      delayMs,
      () => {
        stopListening();
        resolve();
      },
      { keepAlive: true },
    );
  });
}
