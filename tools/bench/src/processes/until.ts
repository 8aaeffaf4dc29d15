const POLL_MS = 20;
const TIMEOUT_MS = 120_000;

export interface Patience {
  readonly pollMs?: number;
  readonly timeoutMs?: number;
}

/**
 * Looks again and again until it is so.
 * @throws Error when it has not come to pass in time: a benchmark that waits for ever tells nobody anything
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { pollMs = POLL_MS, timeoutMs = TIMEOUT_MS }: Patience = {},
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
