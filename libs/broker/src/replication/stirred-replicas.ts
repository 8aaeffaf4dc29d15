import type { Replica } from "./replica.ts";

/** How long nobody looks at a replica that was not answered: its log's start may move by retention meanwhile. */
const LOOK_AT_ALL_MS = 500;

/**
 * Which replicas of a fetcher the next fetch may have something new to say of. That is decided by what they are answered:
 * of thousands most are not, and to look at each of them, for each fetch, would take longer than the fetch of a few that
 * are far behind.
 */
export class StirredReplicas {
  /** When all were looked at last and every one of them was wanted; never, where one was added or removed since. */
  #lookedAtAllMs = Number.NEGATIVE_INFINITY;
  /** Those of the last answer, which may be on their way to the file. */
  #answered = new Set<Replica>();
  /** Those of the answer before, which is in the logs. */
  #answeredBefore = new Set<Replica>();

  /** All have to be looked at: another one has come, or the leader knows of none any more. */
  lookAtAll(): void {
    this.#lookedAtAllMs = Number.NEGATIVE_INFINITY;
  }

  removed(replica: Replica): void {
    this.#answered.delete(replica);
    this.#answeredBefore.delete(replica);
    this.lookAtAll();
  }

  /** All are looked at now. Where some are not wanted, they may be at any time: then all have to be looked at again. */
  lookedAtAll(nowMs: number, isEveryOneWanted: boolean): void {
    this.#lookedAtAllMs = isEveryOneWanted ? nowMs : Number.NEGATIVE_INFINITY;
  }

  /** An answer is about to be taken; the one before is in the logs. */
  beginAnswer(): void {
    [this.#answered, this.#answeredBefore] = [this.#answeredBefore, this.#answered];
    this.#answered.clear();
  }

  answered(replica: Replica): void {
    this.#answered.add(replica);
  }

  /** Null where all have to be looked at. */
  at(nowMs: number): Replica[] | null {
    if (nowMs - this.#lookedAtAllMs >= LOOK_AT_ALL_MS) return null;
    const stirred = [...new Set([...this.#answeredBefore, ...this.#answered])];
    return stirred.every(({ notBeforeMs }) => notBeforeMs <= nowMs) ? stirred : null;
  }
}
