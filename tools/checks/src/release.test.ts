import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./packages/run.ts";
import { publishedPackages, repositoryRoot } from "./repository.ts";

const TIMEOUT_MS = 60_000;

/** What `npx nx release …` would do, as docs/releases.md says to look at first. */
async function dryRun(...args: string[]): Promise<string> {
  const env = { NX_DAEMON: "false", NO_COLOR: "1", FORCE_COLOR: "0" };
  const nx = [join(repositoryRoot, "node_modules/nx/dist/bin/nx.js"), "release", ...args, "--dry-run"];
  const { exitCode, stdout, stderr } = await run(process.execPath, nx, repositoryRoot, env);
  expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0 });
  return stdout + stderr;
}

test(
  "a release gives every package, and what they want of each other, one version",
  async () => {
    const output = await dryRun("version", "9.8.7");
    const changed = [...output.matchAll(/^UPDATE (\S+)\/package\.json \[dry-run\]/gm)].map(([, folder]) => folder);
    expect(changed).toEqual(expect.arrayContaining(publishedPackages().map(({ folder }) => folder)));
    const added = output
      .split("\n")
      .filter((line) => line.startsWith("+") && /"(@ottla\/[a-z-]+|version)":/.test(line));
    expect(added.length).toBeGreaterThan(changed.length);
    expect(added.filter((line) => !line.includes('"9.8.7"'))).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "its changelog is made of what the commits say",
  async () => {
    const output = await dryRun("changelog", "9.8.7", "--from", "HEAD");
    expect(output).toMatch(/entry in CHANGELOG\.md for v9\.8\.7/);
    expect(output).toMatch(/^\+ ## 9\.8\.7 \(/m);
  },
  TIMEOUT_MS,
);
