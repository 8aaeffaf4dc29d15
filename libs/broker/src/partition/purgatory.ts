import type { Timers } from "@ottla/runtime";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { Partition } from "./partition.ts";

/** A request that waits for partitions to move. */
export interface Waiting {
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
 * Requests that wait for partitions: long-polling fetches above all. They are woken by what moves a partition, once for
 * all that happens in one turn of the event loop; nothing is polled.
 */
export class Purgatory {
  readonly #timers: Timers;
  readonly #deadlines: DeadlineQueue;
  readonly #entries = new Set<Entry>();
  /** Kept when nobody waits: who polls comes back. */
  readonly #byPartition = new WeakMap<Partition, Set<Entry>>();
  #moved = new Set<Partition>();
  #closed = false;

  constructor(timers: Timers, deadlines: DeadlineQueue) {
    this.#timers = timers;
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
    entry.deadline = this.#deadlines.schedule(waitMs, () => {
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

  /** Ends every wait; whoever comes later waits no more. */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#entries]) {
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
