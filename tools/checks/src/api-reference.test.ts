import { beforeAll, describe, expect, it } from "vitest";
import { apiReference, currentPages, PACKAGES } from "../../api-reference/api-reference.mjs";

let reference: Awaited<ReturnType<typeof apiReference>>;

beforeAll(async () => {
  reference = await apiReference();
}, 240_000);

describe("docs/api", () => {
  it("has a page for each package, with what it exports", () => {
    expect([...reference.pages.keys()].sort()).toEqual(["README.md", ...PACKAGES.map((name) => `${name}.md`)].sort());
    expect(reference.pages.get("producer.md")).toContain("### ProducerOptions");
    expect(reference.pages.get("consumer.md")).toContain("### Consumer");
    expect(reference.pages.get("ottla.md")).toMatch(/^# ottla\n.*### BrokerStartError.*### startBroker\(\)/s);
  });

  it("says what the docstrings say: npm run api-reference brings it up to date", () => {
    const { pages } = reference;
    const current = currentPages();
    expect([...current.keys()].sort()).toEqual([...pages.keys()].sort());
    const stale = [...pages.keys()].filter((name) => pages.get(name) !== current.get(name));
    expect(stale).toEqual([]);
  });
});

describe("docstrings", () => {
  it("are on every export, every method, option and field of the public entries", () => {
    expect(reference.undocumented).toEqual([]);
  });
});
