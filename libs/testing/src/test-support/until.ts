const LIMIT_MS = 30_000;
const INTERVAL_MS = 20;

/** Waits for what is about to come to pass, by the real clock. @throws Error when it does not */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = Date.now() + LIMIT_MS;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`it never came to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
