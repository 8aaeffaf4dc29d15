/** Figures of one contestant over the repetitions of a row. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param samples at least one */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

/**
 * How many times better `figure` is than `baseline`: above 1 is better, whichever way the unit goes.
 */
export function ratio(figure: number, baseline: number, better: "more" | "less"): number {
  return better === "more" ? figure / baseline : baseline / figure;
}
