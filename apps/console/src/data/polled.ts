import { KafkaError, PartialFailureError, type ResourceFailure } from "@ottla/admin";
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

/** Something that is asked for again and again. */
export interface Polled<T> {
  /** The last answer; it stays when asking fails. */
  readonly value: Signal<T | undefined>;
  /** Why the last attempt failed; null when it did not. */
  readonly error: Signal<string | null>;
  /** Asks at once. Resolves when there is an answer or an error. */
  refresh(): Promise<void>;
}

type Load<T> = (signal: AbortSignal) => Promise<T>;

/** Asks while the page is visible, never twice at a time. */
export class Poller<T> implements Polled<T> {
  readonly value = signal<T | undefined>(undefined);
  readonly error = signal<string | null>(null);
  readonly #load: Load<T>;
  readonly #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | null = null;
  #abort = new AbortController();
  #isStopped = true;
  readonly #onVisible = () => {
    if (!document.hidden) void this.refresh();
  };

  constructor(load: Load<T>, intervalMs: number) {
    this.#load = load;
    this.#intervalMs = intervalMs;
  }

  start(): () => void {
    this.#isStopped = false;
    this.#abort = new AbortController();
    document.addEventListener("visibilitychange", this.#onVisible);
    void this.refresh();
    return () => this.stop();
  }

  stop(): void {
    this.#isStopped = true;
    document.removeEventListener("visibilitychange", this.#onVisible);
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running ??= this.#ask().finally(() => {
      this.#running = null;
      this.#plan();
    });
    return this.#running;
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped && !document.hidden) this.#timer = setTimeout(() => void this.refresh(), this.#intervalMs);
  }

  async #ask(): Promise<void> {
    const { signal: aborted } = this.#abort;
    try {
      const value = await this.#load(aborted);
      if (aborted.aborted) return;
      this.value.value = value;
      this.error.value = null;
    } catch (error) {
      if (!aborted.aborted) this.error.value = messageOf(error);
    }
  }
}

/** Polls for as long as the component is there; anew when `dependencies` change. */
export function usePolled<T>(load: Load<T>, intervalMs: number, dependencies: readonly unknown[] = []): Polled<T> {
  const poller = useMemo(() => new Poller(load, intervalMs), dependencies);
  useEffect(() => poller.start(), [poller]);
  return poller;
}

/** What a call gives for all that it did not fail for: a topic that is gone, a broker that is dead. */
export async function resultsWithout<T>(call: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof PartialFailureError) return error.results as readonly T[];
    throw error;
  }
}

/** In words for a person: what failed for each thing, without names of methods. */
export function messageOf(error: unknown): string {
  if (error instanceof KafkaError && error.code === "REQUEST_TIMED_OUT" && error.cause instanceof Error) {
    return messageOf(error.cause);
  }
  if (error instanceof PartialFailureError) return error.failures.map(messageOfFailure).join(" ");
  return error instanceof Error ? error.message : String(error);
}

function messageOfFailure({ resource, error }: ResourceFailure): string {
  if (error.code !== "GROUP_ID_NOT_FOUND") return error.message;
  return `There is no group "${resource}"; the page Groups lists those there are.`;
}
