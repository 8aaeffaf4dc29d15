/**
 * The memory that requests of all connections may take up before they are handed over: `queued.max.request.bytes`.
 *
 * As in Kafka, a request that has begun while there was room is read to its end, however large it is: so there is always
 * one that gets on, and the bound is passed by no more than what had begun. While there is no room no further request is
 * begun: its connection is muted, and goes on when there is room again.
 */
export class RequestMemory {
  private readonly limitBytes: () => number;
  private takenBytes = 0;
  private readonly muted = new Set<() => void>();

  /** @param limitBytes asked anew each time; no limit where it is negative */
  constructor(limitBytes: () => number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes of requests that are being read or wait. */
  get usedBytes(): number {
    return this.takenBytes;
  }

  get hasRoom(): boolean {
    if (this.takenBytes === 0) return true;
    const limitBytes = this.limitBytes();
    return limitBytes < 0 || this.takenBytes < limitBytes;
  }

  take(sizeBytes: number): void {
    this.takenBytes += sizeBytes;
  }

  /** Gives bytes back, and wakes who was muted where that makes room. */
  giveBack(sizeBytes: number): void {
    this.takenBytes -= sizeBytes;
    if (this.muted.size === 0 || !this.hasRoom) return;
    const woken = [...this.muted];
    this.muted.clear();
    for (const wake of woken) wake();
  }

  /** Calls `wake` once, when there is room. */
  onRoom(wake: () => void): void {
    this.muted.add(wake);
  }

  forget(wake: () => void): void {
    this.muted.delete(wake);
  }
}
