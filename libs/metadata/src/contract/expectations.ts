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

/** Turns of the event loop that a hint may take to come. */
const TURNS_MAX = 2000;

/** Waits until `condition` holds; fails when it does not for long. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (await condition()) return;
    await Promise.resolve();
  }
  throw new Error(`expected in the end: ${what}`);
}
