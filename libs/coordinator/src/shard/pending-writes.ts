import type { CommitHook } from "./step.ts";

/** Records of one step that have been handed out to be appended, and are not known to be committed. */
export interface PendingWrite<Hook = CommitHook> {
  /** Rises by one with each write of a shard. */
  readonly writeId: number;
  /** Where the journal was before these records were replayed. */
  readonly journalPosition: number;
  hooks: WaitingHook<Hook>[];
}

/** Someone who waits for a write, and since when. */
interface WaitingHook<Hook> {
  readonly sinceMs: number;
  readonly hook: Hook;
}

/** The writes of one shard that are under way, in order. */
export class PendingWrites<Hook = CommitHook> {
  private writes: PendingWrite<Hook>[] = [];
  private lastWriteId = 0;

  get oldest(): PendingWrite<Hook> | undefined {
    return this.writes[0];
  }

  get newest(): PendingWrite<Hook> | undefined {
    return this.writes.at(-1);
  }

  add(journalPosition: number): PendingWrite<Hook> {
    const write = { writeId: ++this.lastWriteId, journalPosition, hooks: [] };
    this.writes.push(write);
    return write;
  }

  /** When the one who waits longest began to wait; infinite if nobody does. */
  get waitingSinceMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { hooks } of this.writes) {
      if (hooks.length > 0) earliestMs = Math.min(earliestMs, hooks[0]!.sinceMs);
    }
    return earliestMs;
  }

  /** Takes out the writes up to `writeId`. */
  takeUpTo(writeId: number): PendingWrite<Hook>[] {
    const taken = this.writes.filter((write) => write.writeId <= writeId);
    this.writes = this.writes.slice(taken.length);
    return taken;
  }

  /** Takes out the writes from `writeId` on. */
  takeFrom(writeId: number): PendingWrite<Hook>[] {
    const kept = this.writes.filter((write) => write.writeId < writeId);
    const taken = this.writes.slice(kept.length);
    this.writes = kept;
    return taken;
  }

  /** Takes the hooks that have waited since `momentMs` or longer; the writes themselves stay. */
  takeHooksSince(momentMs: number): Hook[] {
    const taken: Hook[] = [];
    for (const write of this.writes) {
      for (const { hook, sinceMs } of write.hooks) if (sinceMs <= momentMs) taken.push(hook);
      write.hooks = write.hooks.filter(({ sinceMs }) => sinceMs > momentMs);
    }
    return taken;
  }
}
