import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { codeBlocks, PAGES, read } from "./pages.ts";
import { repositoryRoot } from "./repository.ts";

const TIMEOUT_MS = 30_000;

const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchors of a page: those that headings get where it is shown on the web, and those that it sets itself. */
function anchorsOf(text: string): Set<string> {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "");
  const anchors = new Set([...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!));
  const seen = new Map<string, number>();
  for (const [, heading] of prose.matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    const times = seen.get(anchor) ?? 0;
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
    seen.set(anchor, times + 1);
  }
  return anchors;
}

describe("links", () => {
  it.each(PAGES)("%s leads to what is there", (page) => {
    const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const broken = links.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path, anchor] = target.split("#", 2);
      const file = path === "" ? join(repositoryRoot, page) : resolve(repositoryRoot, dirname(page), path!);
      if (!existsSync(file)) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(readFileSync(file, "utf8")).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

/** Code blocks that claim to run say so: ```ts run. */
const BLOCKS = codeBlocks("ts").filter(({ info }) => info === "run");

describe("code blocks that claim to run", () => {
  it("are there", () => expect(BLOCKS.length).toBeGreaterThanOrEqual(4));

  it.each(BLOCKS)(
    "$name",
    ({ code }) => {
      // Inside the repository, where its packages are found as an installed program finds them.
      const directory = mkdtempSync(join(repositoryRoot, "tools/checks/.docs-"));
      try {
        const file = join(directory, "block.mjs");
        writeFileSync(file, transformSync(code, { loader: "ts", target: "node20", format: "esm" }).code);
        const { status, stderr, stdout } = spawnSync(process.execPath, [file], {
          encoding: "utf8",
          timeout: TIMEOUT_MS,
        });
        expect(status, `${stdout}\n${stderr}`).toBe(0);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
    TIMEOUT_MS + 5_000,
  );
});
