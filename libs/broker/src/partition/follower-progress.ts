/** What a follower's fetch says of the follower. */
export interface FollowerFetch {
  readonly brokerId: number;
  /** The epoch in which the broker is registered, or -1 where the request does not say. */
  readonly brokerEpoch: number;
  /** The follower has all records below it. */
  readonly fetchOffset: number;
  /** Where the follower's log begins, or -1. */
  readonly logStartOffset: number;
  /** The leader epoch that the follower knows, or -1. */
  readonly currentLeaderEpoch: number;
}

const UNKNOWN_OFFSET = -1;
const NEVER = Number.NEGATIVE_INFINITY;

/** How far one follower has come, as its fetches in this leader epoch have told. */
export class FollowerProgress {
  /** -1 before the first fetch. */
  logEndOffset = UNKNOWN_OFFSET;
  logStartOffset = UNKNOWN_OFFSET;
  brokerEpoch = -1;
  #lastCaughtUpMs: number;
  #lastFetchMs = NEVER;
  #leaderEndAtLastFetch = UNKNOWN_OFFSET;

  /** @param sinceMs when it is taken to have been caught up last: a member of the ISR gets its time in each epoch */
  constructor(sinceMs: number | null) {
    this.#lastCaughtUpMs = sinceMs ?? NEVER;
  }

  /**
   * A follower is caught up when it fetches from the leader's end; and it was, at the time of the fetch before, when it
   * fetches from where the leader's end was then: under steady load it never reaches the end of now.
   */
  fetched({ fetchOffset, logStartOffset, brokerEpoch }: FollowerFetch, leaderEndOffset: number, nowMs: number): void {
    if (fetchOffset >= leaderEndOffset) this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, nowMs);
    else if (this.#leaderEndAtLastFetch >= 0 && fetchOffset >= this.#leaderEndAtLastFetch) {
      this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, this.#lastFetchMs);
    }
    this.logEndOffset = fetchOffset;
    this.logStartOffset = logStartOffset;
    this.brokerEpoch = brokerEpoch;
    this.#lastFetchMs = nowMs;
    this.#leaderEndAtLastFetch = leaderEndOffset;
  }

  /** It has fetched again from where it was, and the leader's end is there still. */
  stillAtEnd(nowMs: number): void {
    this.#lastCaughtUpMs = nowMs;
    this.#lastFetchMs = nowMs;
  }

  /** For so long nobody could fetch: that is not held against it. */
  passedOver(durationMs: number): void {
    this.#lastCaughtUpMs += durationMs;
    this.#lastFetchMs += durationMs;
  }

  isCaughtUp(leaderEndOffset: number, nowMs: number, lagMaxMs: number): boolean {
    return this.logEndOffset === leaderEndOffset || nowMs - this.#lastCaughtUpMs <= lagMaxMs;
  }
}
