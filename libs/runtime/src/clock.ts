/** Where time comes from. Nothing outside this library reads `Date.now` or `performance.now`. */
export interface Clock {
  /** Wall-clock time: milliseconds since the Unix epoch. It may jump in either direction. */
  nowMs(): number;
  /** Monotonic time in milliseconds, with fractions, from an arbitrary origin. It never goes back. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
