import type { Clock, Timers } from "@ottla/runtime";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { Partition } from "./partition.ts";
import { Place, WaitList } from "./wait-list.ts";

/** A request that waits for partitions to move. */
export interface Waiting {
  /** The broker whose fetch it is, where it is a follower's. */
  readonly followerId?: number | undefined;
  /** Whether whatever comes completes it, so that it misses nothing where it expires late. */
  readonly isPatient?: boolean;
  /** Called when one of its partitions has moved, at most once a turn; true when it is done and waits no more. */
  tryComplete(): boolean;
  /** Called when its time is up, or its partitions are gone. */
  expire(): void;
}

/** A request together with the partitions that it waits for. It may wait again and again, but once at a time. */
export class Watch {
  readonly waiting: Waiting;
  readonly partitions: readonly Partition[];
  /** Used by the purgatory alone. */
  deadline: Deadline | null = null;
  /** Used by the purgatory alone: among those who wait for anything, and for each partition. */
  places: readonly Place<Watch>[] | null = null;

  constructor(waiting: Waiting, partitions: readonly Partition[]) {
    this.waiting = waiting;
    this.partitions = partitions;
  }

  get isWaiting(): boolean {
    return this.deadline !== null;
  }
}

/**
 * A follower that has a partition more to fetch here learns of it at about the time at which the leader does, and cannot
 * ask for it while it waits for others. So its waits end, and are short for as long as it may take to hear of it.
 */
const CALLED_FOR_MS = 1_000;
const CALLED_WAIT_MS = 20;

/** So many moves at the most are remembered. */
const REMEMBERED_MOVES_MAX = 256;

/**
 * Requests that wait for partitions: long-polling fetches above all. They are woken by what moves a partition, once for
 * all that happens in one turn of the event loop; nothing is polled.
 */
export class Purgatory {
  readonly #timers: Timers;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #deadlines: DeadlineQueue;
  readonly #all = new WaitList<Watch>();
  #size = 0;
  #movesCount = 0;
  /** The newest moves, in order. */
  #lastMoves: Partition[] = [];
  /** Kept when nobody waits: who polls comes back. */
  readonly #byPartition = new WeakMap<Partition, WaitList<Watch>>();
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
    return this.#size;
  }

  /** Grows whenever a partition moves, whichever: as long as it stays the same, all are where they were. */
  get movesCount(): number {
    return this.#movesCount;
  }

  /** Which partitions have moved since there were so many moves, some of them more than once; null where that is long ago. */
  movedSince(movesCount: number): readonly Partition[] | null {
    const start = this.#lastMoves.length - (this.#movesCount - movesCount);
    return start < 0 ? null : this.#lastMoves.slice(start);
  }

  /** Keeps a request until it completes, or `waitMs` have passed. */
  add(watch: Watch, waitMs: number): void {
    const { waiting } = watch;
    if (watch.isWaiting) throw new Error("it waits already");
    if (this.#closed) {
      this.#timers.defer(() => waiting.expire());
      return;
    }
    const boundedMs = this.#boundedWaitMs(waiting, waitMs);
    watch.deadline = this.#deadlines.schedule(boundedMs, () => this.#expire(watch), waiting);
    watch.places ??= this.#placesOf(watch);
    for (const place of watch.places) place.take();
    this.#size++;
  }

  /** Lets a request that waits do so for `waitMs` more at most. */
  hasten(watch: Watch, waitMs: number): void {
    const { deadline, waiting } = watch;
    if (deadline === null || deadline.dueMs <= this.#clock.monotonicMs() + waitMs) return;
    deadline.cancel();
    watch.deadline = this.#deadlines.schedule(waitMs, () => this.#expire(watch), waiting);
  }

  /** Forgets a request, whose client may have gone. */
  remove(watch: Watch): void {
    if (watch.deadline === null) return;
    watch.deadline.cancel();
    watch.deadline = null;
    for (const place of watch.places!) place.leave();
    this.#size--;
  }

  /** Takes note that a partition has moved. */
  partitionMoved(partition: Partition): void {
    this.#movesCount++;
    if (this.#lastMoves.length === REMEMBERED_MOVES_MAX) this.#lastMoves = [];
    this.#lastMoves.push(partition);
    const watches = this.#byPartition.get(partition);
    if (watches === undefined || watches.isEmpty) return;
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
    for (const watch of [...this.#all]) this.#expire(watch);
  }

  #expire(watch: Watch): void {
    this.remove(watch);
    watch.waiting.expire();
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
    for (const watch of [...this.#all]) {
      const { followerId } = watch.waiting;
      if (followerId !== undefined && called.has(followerId)) this.#expire(watch);
    }
  }

  #wake(): void {
    const moved = this.#moved;
    this.#moved = new Set();
    const woken = new Set<Watch>();
    for (const partition of moved) for (const watch of this.#byPartition.get(partition) ?? []) woken.add(watch);
    for (const watch of woken) if (watch.isWaiting && watch.waiting.tryComplete()) this.remove(watch);
  }

  #placesOf(watch: Watch): Place<Watch>[] {
    return [this.#all, ...watch.partitions.map((partition) => this.#listOf(partition))].map(
      (list) => new Place(list, watch),
    );
  }

  #listOf(partition: Partition): WaitList<Watch> {
    let list = this.#byPartition.get(partition);
    if (list === undefined) {
      list = new WaitList();
      this.#byPartition.set(partition, list);
    }
    return list;
  }
}
