/** One thing that was looked at. */
export interface Finding {
  readonly level: "good" | "warn" | "bad";
  readonly what: string;
  /** What to do; absent where all is well. */
  readonly advice?: string;
}

export const good = (what: string): Finding => ({ level: "good", what });
export const warn = (what: string, advice: string): Finding => ({ level: "warn", what, advice });
export const bad = (what: string, advice: string): Finding => ({ level: "bad", what, advice });

const MARKS = { good: "ok  ", warn: "warn", bad: "FAIL" } as const;
const COLORS = { good: 32, warn: 33, bad: 31 } as const;

export function printFindings(findings: readonly Finding[]): void {
  const isColored = process.stdout.isTTY === true && !process.env.NO_COLOR;
  for (const { level, what, advice } of findings) {
    const mark = isColored ? `\u001b[${COLORS[level]}m${MARKS[level]}\u001b[0m` : MARKS[level];
    process.stdout.write(`${mark}  ${what}\n${advice === undefined ? "" : `      ${advice}\n`}`);
  }
}
