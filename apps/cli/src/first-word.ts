/** Who has mistyped an address wants to read it while looking. */
const FIRST_WORD_MS = 2_000;

/**
 * Says on a terminal's standard error what is waited for, unless it is there within two seconds. Returns what stops it; null
 * where nobody looks.
 */
export function sayWhenLate(what: string, stderr: Pick<NodeJS.WriteStream, "isTTY" | "write">): (() => void) | null {
  if (stderr.isTTY !== true) return null;
  const timer = setTimeout(() => stderr.write(`ottla: ${what}\n`), FIRST_WORD_MS);
  timer.unref();
  return () => clearTimeout(timer);
}
