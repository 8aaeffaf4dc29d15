import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compatibilityPage, supportRows, withSupportTable } from "../../compatibility/support-table.mjs";
import { repositoryRoot } from "./repository.ts";

it("docs/compatibility.md shows what is served (npm run compatibility brings it up to date)", () => {
  const { current, expected } = compatibilityPage();
  expect(current).toBe(expected);
});

it("the table has every handler that there is", () => {
  const broker = join(repositoryRoot, "libs/broker/src");
  const sources = readdirSync(broker, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(broker, name), "utf8"));
  const countOf = (pattern: RegExp) => sources.flatMap((text) => text.match(pattern) ?? []).length;
  // What brokers say among themselves is not advertised, and no row of the table.
  const handlers =
    countOf(/(?<!function )\bapiHandler\(/g) -
    countOf(/(?<!function )\bapiHandler\(\s*\w+Api,\s*\{[^}]*?advertised: false/g);
  const served = supportRows().filter(({ handler }) => handler !== null);
  expect(handlers).toBeGreaterThan(20);
  expect(served).toHaveLength(handlers);
  for (const { handler } of served) expect(existsSync(join(repositoryRoot, handler!)), handler!).toBe(true);
});

it("each API that is served is exercised by a test, in versions that Kafka has", () => {
  for (const { name, versions, kafkaVersions, tests } of supportRows()) {
    if (versions === null) continue;
    expect(tests, name).not.toEqual([]);
    const [kafkaMax, max] = [kafkaVersions, versions].map((range) => Number(range.split("-").at(-1)));
    expect(max, name).toBeLessThanOrEqual(kafkaMax!);
  }
});

it("a page without markers is refused, and what is around the table stays", () => {
  expect(() => withSupportTable("# Compatibility", "| |")).toThrow(/no lines/);
  const { current } = compatibilityPage();
  const replaced = withSupportTable(current, "the table");
  expect(replaced.startsWith("# Compatibility\n")).toBe(true);
  expect(withSupportTable(replaced, "the table")).toBe(replaced);
});

it.each([
  ["quirk", /<!-- quirks -->([\s\S]*)<!-- end of the quirks -->/, /^- /m],
  ["trap", /<!-- traps -->[\s\S]*?\| --- \| --- \|\n([\s\S]*)<!-- end of the traps -->/, /^(?=\| )/m],
])("each %s names tests that are there", (_, section, separator) => {
  const { current } = compatibilityPage();
  const items = section
    .exec(current)![1]!
    .split(separator)
    .filter((item) => item.trim() !== "");
  expect(items.length).toBeGreaterThan(10);
  for (const item of items) {
    const file = /\]\(\.\.\/([^)]+\.ts)\)/.exec(item)?.[1];
    expect(file, item).toBeDefined();
    const text = readFileSync(join(repositoryRoot, file!), "utf8");
    const names = [...item.matchAll(/"([^"]+)"/g)].map(([, name]) => name!.replace(/\s+/g, " "));
    expect(names, item).not.toEqual([]);
    for (const name of names) expect(text.includes(`"${name}"`), `${name} in ${file}`).toBe(true);
  }
});
