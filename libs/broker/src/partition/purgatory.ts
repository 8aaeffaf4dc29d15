import type { Clock, Timers } from "@ottla/runtime";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { Partition } from "./partition.ts";

/** A request that waits for partitions to move. */
export interface Waiting {
  /** The broker whose fetch it is, where it is a follower's. */
  readonly followerId?: number | undefined;
  /** Called when one of its partitions has moved, at most once a turn; true when it is done and waits no more. */
  tryComplete(): boolean;
  /** Called when its time is up, or its partitions are gone. */
  expire(): void;
}

interface Entry {
  readonly waiting: Waiting;
  readonly partitions: readonly Partition[];
  deadline: Deadline | null;
}

/**
 * A follower that has a partition more to fetch here learns of it at about the time at which the leader does, and cannot
 * ask for it while it waits for others. So its waits end, and are short for as long as it may take to hear of it.
 */
const CALLED_FOR_MS = 1_000;
const CALLED_WAIT_MS = 20;

/**
 * Requests that wait for partitions: long-polling fetches above all. They are woken by what moves a partition, once for
 * all that happens in one turn of the event loop; nothing is polled.
 */
export class Purgatory {
  readonly #timers: Timers;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #deadlines: DeadlineQueue;
  readonly #entries = new Set<Entry>();
  /** Kept when nobody waits: who polls comes back. */
  readonly #byPartition = new WeakMap<Partition, Set<Entry>>();
  #moved = new Set<Partition>();
  /** Until when the waits of a follower are short. */
  readonly #calledUntilMs = new Map<number, number>();
  /** Followers whose waits are about to end. */
  #called = new Set<number>();
  #closed = false;

  constructor(timers: Timers, clock: Pick<Clock, "monotonicMs">, deadlines: DeadlineQueue) {
    this.#timers = timers;
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keeps a request until it completes, or `waitMs` have passed. Returns its removal, for a client that has gone. */
  add(waiting: Waiting, partitions: readonly Partition[], waitMs: number): () => void {
    if (this.#closed) {
      this.#timers.defer(() => waiting.expire());
      return () => {};
    }
    const entry: Entry = { waiting, partitions, deadline: null };
    entry.deadline = this.#deadlines.schedule(this.#boundedWaitMs(waiting, waitMs), () => {
      this.#remove(entry);
      waiting.expire();
    });
    this.#entries.add(entry);
    for (const partition of partitions) this.#entriesOf(partition).add(entry);
    return () => this.#remove(entry);
  }

  /** Takes note that a partition has moved. */
  partitionMoved(partition: Partition): void {
    const entries = this.#byPartition.get(partition);
    if (entries === undefined || entries.size === 0) return;
    if (this.#moved.size === 0) this.#timers.defer(() => this.#wake());
    this.#moved.add(partition);
  }

  /** There is a partition more that the follower has to fetch from here. */
  callFollower(brokerId: number): void {
    this.#calledUntilMs.set(brokerId, this.#clock.monotonicMs() + CALLED_FOR_MS);
    if (this.#called.size === 0) this.#timers.defer(() => this.#endWaitsOfCalled());
    this.#called.add(brokerId);
  }

  /** Ends every wait; whoever comes later waits no more. */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#entries]) {
      this.#remove(entry);
      entry.waiting.expire();
    }
  }

  #boundedWaitMs({ followerId }: Waiting, waitMs: number): number {
    const untilMs = followerId === undefined ? undefined : this.#calledUntilMs.get(followerId);
    if (untilMs === undefined) return waitMs;
    if (this.#clock.monotonicMs() < untilMs) return Math.min(waitMs, CALLED_WAIT_MS);
    this.#calledUntilMs.delete(followerId!);
    return waitMs;
  }

  #endWaitsOfCalled(): void {
    const called = this.#called;
    this.#called = new Set();
    for (const entry of [...this.#entries]) {
      const { followerId } = entry.waiting;
      if (followerId === undefined || !called.has(followerId)) continue;
      this.#remove(entry);
      entry.waiting.expire();
    }
  }

  #wake(): void {
    const moved = this.#moved;
    this.#moved = new Set();
    const woken = new Set<Entry>();
    for (const partition of moved) for (const entry of this.#byPartition.get(partition) ?? []) woken.add(entry);
    for (const entry of woken) if (entry.waiting.tryComplete()) this.#remove(entry);
  }

  #entriesOf(partition: Partition): Set<Entry> {
    let entries = this.#byPartition.get(partition);
    if (entries === undefined) {
      entries = new Set();
      this.#byPartition.set(partition, entries);
    }
    return entries;
  }

  #remove(entry: Entry): void {
    entry.deadline?.cancel();
    this.#entries.delete(entry);
    for (const partition of entry.partitions) this.#byPartition.get(partition)?.delete(entry);
  }
}
