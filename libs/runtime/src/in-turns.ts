import type { Timers } from "./timers.ts";

/** Runs work in pieces, with a turn of the event loop for others between two of them. */
export async function inTurns<Result>(work: Generator<void, Result>, timers: Pick<Timers, "defer">): Promise<Result> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value as Result;
    await new Promise<void>((resolve) => timers.defer(resolve));
  }
}
