import { describe, expect, it } from "vitest";
import { configurationPage } from "../../configuration/reference.mjs";

describe("docs/configuration.md", () => {
  const { current, expected } = configurationPage();
  const keysOf = (page: string) => [...page.matchAll(/^(?:- \*\*|\| )`([\w.]+)`/gm)].map(([, key]) => key!);

  it("names no key that the broker does not know", () => {
    const known = new Set(keysOf(expected));
    expect(known.size).toBeGreaterThan(120);
    expect(keysOf(current).filter((key) => !known.has(key))).toEqual([]);
  });

  it("says what the tables say: npm run configuration brings it up to date", () => {
    expect(current).toBe(expected);
  });
});
