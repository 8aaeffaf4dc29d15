import type { Clock } from "../clock.ts";
import { DiskError } from "../disk.ts";
import type { Random } from "../random.ts";
import type { Timers } from "../timers.ts";
import type { CrashEffect } from "./inodes.ts";

/** What an operation can suffer while the machine runs: it fails or, `slow`, takes its time. */
export type DiskFault = "shortWrite" | "noSpace" | "writeError" | "syncError" | "readError" | "nameError" | "slow";

/** What an operation does: reads do not count as one. */
export type DiskOperation =
  | "create"
  | "write"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "makeDirectory"
  | "syncDirectory";

/** Where a machine stopped. */
export interface StoppedAt {
  readonly operation: DiskOperation;
  readonly path: string;
}

export type DiskCounts = Map<DiskOperation | DiskFault | CrashEffect, number>;

export interface SimulatedDiskOptions {
  /** Decides every fault, delay and loss: the same sequence of calls on the same seed gives the same disk. */
  readonly random: Random;
  readonly timers: Timers;
  readonly clock: Clock;
  /** How likely each fault is, from 0 (the default) to 1. They can be changed later: `SimulatedDisk.faults`. */
  readonly faults?: Partial<Record<DiskFault, number>>;
  /** A broken disk, to test tests with: syncs of these paths are answered and not done. */
  readonly ignoresSync?: (path: string, operation: "sync" | "syncDirectory") => boolean;
  /** The same for removals. */
  readonly ignoresRemoval?: (path: string) => boolean;
}

const NEVER = new Promise<never>(() => {});
const TURNS_MAX = 3;
/** How long a slow operation takes at the most. */
const SLOW_MS_MAX = 300;

/** One life of the machine that a disk is part of: when operations take place, which of them fail, and when it stops. */
export class Machine {
  readonly options: SimulatedDiskOptions;
  readonly faults: Partial<Record<DiskFault, number>>;
  readonly counts: DiskCounts;
  readonly stopped: Promise<void>;
  operations = 0;
  /** The operation at which the machine stops. */
  crashAt = Number.POSITIVE_INFINITY;
  /** The operation that it stopped at, and its path. */
  stoppedAt: StoppedAt | null = null;
  #isStopped = false;
  #stop!: () => void;

  constructor(options: SimulatedDiskOptions, counts: DiskCounts) {
    this.options = options;
    this.faults = { ...options.faults };
    this.counts = counts;
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  get random(): Random {
    return this.options.random;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  nowMs(): number {
    return this.options.clock.nowMs();
  }

  hit(what: DiskOperation | DiskFault | CrashEffect): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  ignoresSync(path: string, operation: "sync" | "syncDirectory"): boolean {
    return this.options.ignoresSync?.(path, operation) === true;
  }

  /** Counts an operation. Settles when it is its turn; with an error where a fault hits it, never after a crash. */
  async begin(operation: DiskOperation, path: string, ...faults: readonly DiskFault[]): Promise<void> {
    if (this.isLast(operation, path)) await this.stop();
    await this.turns();
    this.hit(operation);
    for (const fault of faults) this.failMaybe(fault, path);
  }

  /** Counts an operation; true if the machine is to stop at it. */
  isLast(operation: DiskOperation, path: string): boolean {
    if (this.operations++ < this.crashAt) return false;
    this.stoppedAt ??= { operation, path };
    return true;
  }

  /** Nothing that waits on the disk goes on from here. */
  stop(): Promise<never> {
    this.#isStopped = true;
    this.#stop();
    return NEVER;
  }

  /** Lets some turns of the event loop pass, so that operations overlap and end in another order than they began in. */
  async turns(): Promise<void> {
    const { defer, schedule } = this.options.timers;
    for (let left = this.random.nextInt(TURNS_MAX); left > 0; left--) {
      await new Promise<void>((resolve) => defer(resolve));
    }
    if (this.happens("slow")) {
      const delayMs = this.random.nextInt(SLOW_MS_MAX);
      await new Promise<void>((resolve) => void schedule(delayMs, resolve));
    }
    if (this.#isStopped) await NEVER;
  }

  happens(fault: DiskFault): boolean {
    const likelihood = this.faults[fault] ?? 0;
    if (likelihood === 0 || this.random.nextFloat() >= likelihood) return false;
    this.hit(fault);
    return true;
  }

  failMaybe(fault: DiskFault, path: string): void {
    if (this.happens(fault)) throw faultError(fault, path);
  }
}

export function faultError(fault: DiskFault, path: string): DiskError {
  return new DiskError(fault === "noSpace" ? "NO_SPACE" : "IO", path, `simulated ${fault} at ${path}`);
}
