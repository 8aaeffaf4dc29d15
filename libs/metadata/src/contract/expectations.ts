import { createSystemTimers } from "@ottla/runtime";

/** Fails unless `actual` and `expected` are the same as JSON. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const got = JSON.stringify(actual);
  const wanted = JSON.stringify(expected);
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

/** Fails unless `condition` holds. */
export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`expected: ${what}`);
}

/** How often a hint is looked for: in turns of the event loop at first, then with time for a real service between. */
const TURNS_MAX = 2000;
const TURNS_WITHOUT_TIME = 1000;
const PAUSE_MS = 10;

const timers = createSystemTimers();

/** Waits until `condition` holds; fails when it does not for long. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (await condition()) return;
    if (turn < TURNS_WITHOUT_TIME) await Promise.resolve();
    else await new Promise<void>((resolve) => void timers.schedule(PAUSE_MS, resolve, { keepAlive: true }));
  }
  throw new Error(`expected in the end: ${what}`);
}
