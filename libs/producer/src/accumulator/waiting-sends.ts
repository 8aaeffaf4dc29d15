import { aborted, isRetriable, timedOut } from "@ottla/client/internal";
import { onAbort, type Runtime, type Timer } from "@ottla/runtime";

/** Why a send has to wait: its topic is not known yet, or the buffer memory is used up. */
export type WaitReason = "topic" | "memory";

/** A send that could not be accepted at once, in whole or in part. */
export interface WaitingSend {
  /** The topic of its next record. */
  readonly topic: string;
  /** How many of its records have been accepted. */
  readonly acceptedCount: number;
  /** Tries to go on. @returns null when all its records are accepted (or it failed), else why it has to wait again */
  resume(): WaitReason | null;
  fail(error: unknown): void;
}

/** What those who wait depend on. */
export interface WaitingHost {
  /** Has a topic found out about, unless that is under way or done; ends in `topicReady` or `topicFailed`. */
  load(topic: string): void;
  /** Why the topic is not known yet. */
  lastFailureOf(topic: string): unknown;
  /** Sends begin to wait for memory: what holds it is to be sent. */
  onMemoryShort(): void;
}

const WAITING_FOR_MEMORY = "Waiting for bufferMemory";

interface Waiter {
  readonly send: WaitingSend;
  reason: WaitReason;
  timer: Timer | null;
  /** What an earlier look for the topic came to: the one under way may have failed of nothing yet. */
  lastFailure?: unknown;
  readonly stopListening: () => void;
  /** Settles when the send waits no longer. */
  readonly over: Promise<void>;
  readonly finish: () => void;
  isOver: boolean;
}

/**
 * Sends that wait, in the order in which they came: for the metadata of their topic, each topic by itself, and after
 * that for buffer memory, all together. Nobody overtakes another send to the same topic; an array is one to the topic of
 * its next record.
 */
export class WaitingSends {
  readonly #runtime: Runtime;
  readonly #maxBlockMs: number;
  readonly #host: WaitingHost;
  readonly #forTopic = new Map<string, Waiter[]>();
  #forMemory: Waiter[] = [];

  constructor(runtime: Runtime, maxBlockMs: number, host: WaitingHost) {
    this.#runtime = runtime;
    this.#maxBlockMs = maxBlockMs;
    this.#host = host;
  }

  get size(): number {
    return this.#all().filter((waiter) => !waiter.isOver).length;
  }

  /** Whether sends wait for memory. */
  get isMemoryShort(): boolean {
    return this.#forMemory.length > 0;
  }

  /** Whether a new send to the topic has to queue up behind others. */
  mustQueue(topic: string): boolean {
    return this.isMemoryShort || this.isWaitedFor(topic);
  }

  /** Whether sends wait for the topic to become known. */
  isWaitedFor(topic: string): boolean {
    return this.#forTopic.size > 0 && this.#forTopic.has(topic);
  }

  /** Has a send wait, until it can go on, its time is over, or its signal ends it. */
  add(send: WaitingSend, reason: WaitReason, signal: AbortSignal | undefined): void {
    let finish = () => {};
    const over = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const stopListening = onAbort(signal, () => this.#fail(waiter, aborted(signal!)));
    const waiter: Waiter = { send, reason, over, finish, isOver: false, timer: null, stopListening };
    this.#startTimer(waiter);
    this.#enqueue(waiter);
  }

  /** The topic is known now: its sends go on, as far as memory allows. */
  topicReady(topic: string): void {
    const waiters = this.#forTopic.get(topic);
    if (waiters === undefined) return;
    this.#forTopic.delete(topic);
    for (const waiter of waiters) {
      if (waiter.isOver) continue;
      if (this.#forMemory.length === 0) this.#resume(waiter);
      else {
        waiter.reason = "memory";
        this.#forMemory.push(waiter);
      }
    }
  }

  /** The topic could not be found out about: its sends fail, unless it is worth trying on until their time is over. */
  topicFailed(topic: string, error: unknown): void {
    const waiters = this.#forTopic.get(topic) ?? [];
    for (const waiter of waiters) waiter.lastFailure = error;
    if (isRetriable(error)) {
      this.topicReady(topic);
      return;
    }
    this.#forTopic.delete(topic);
    for (const waiter of waiters) this.#fail(waiter, error);
  }

  /** Memory has become free: sends go on until one has to wait again. */
  memoryFreed(): void {
    const waiters = this.#forMemory;
    this.#forMemory = [];
    for (let index = 0; index < waiters.length; index++) {
      const waiter = waiters[index]!;
      if (!waiter.isOver) this.#resume(waiter);
      if (this.#forMemory.length === 0) continue;
      this.#forMemory = this.#forMemory.concat(waiters.slice(index + 1));
      return;
    }
  }

  /** Settles when all sends that wait now wait no longer. */
  async settled(): Promise<void> {
    await Promise.all(this.#all().map((waiter) => waiter.over));
  }

  failAll(error: unknown): void {
    const waiters = this.#all();
    this.#forTopic.clear();
    this.#forMemory = [];
    for (const waiter of waiters) this.#fail(waiter, error);
  }

  #all(): Waiter[] {
    return [...this.#forMemory, ...[...this.#forTopic.values()].flat()];
  }

  #enqueue(waiter: Waiter): void {
    if (waiter.reason === "memory") {
      this.#forMemory.push(waiter);
      if (this.#forMemory.length === 1) this.#host.onMemoryShort();
      return;
    }
    const waiters = this.#forTopic.get(waiter.send.topic);
    if (waiters === undefined) this.#forTopic.set(waiter.send.topic, [waiter]);
    else waiters.push(waiter);
    this.#host.load(waiter.send.topic);
  }

  #resume(waiter: Waiter): void {
    const { acceptedCount } = waiter.send;
    const reason = waiter.send.resume();
    if (reason === null) {
      this.#end(waiter);
    } else {
      waiter.reason = reason;
      if (waiter.send.acceptedCount > acceptedCount) this.#startTimer(waiter);
      this.#enqueue(waiter);
    }
  }

  #fail(waiter: Waiter, error: unknown): void {
    if (waiter.isOver) return;
    this.#end(waiter);
    waiter.send.fail(error);
  }

  #end(waiter: Waiter): void {
    waiter.isOver = true;
    waiter.timer?.cancel();
    waiter.stopListening();
    waiter.finish();
  }

  #timeoutError({ reason, send, lastFailure }: Waiter): Error {
    if (reason === "memory") return timedOut(WAITING_FOR_MEMORY, this.#maxBlockMs);
    const cause = this.#host.lastFailureOf(send.topic) ?? lastFailure;
    return timedOut(`Waiting for metadata of topic "${send.topic}"`, this.#maxBlockMs, cause);
  }

  /** The time to wait begins, anew where some of an array's records have been accepted. */
  #startTimer(waiter: Waiter): void {
    waiter.timer?.cancel();
    const onTimeout = () => this.#fail(waiter, this.#timeoutError(waiter));
    waiter.timer = this.#runtime.timers.schedule(this.#maxBlockMs, onTimeout, { keepAlive: true });
  }
}
