import { it } from "vitest";

/**
 * A test that runs two times in a row on what is there: what the first time has left (topics, groups, records) must not
 * be in the way of the second.
 */
export function twice(name: string, test: (round: number) => Promise<void>, timeoutMs?: number): void {
  it(name, () => test(1), timeoutMs);
  it(`${name}, again without cleaning up`, () => test(2), timeoutMs);
}
