import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dependencyTree } from "./dependency-tree.ts";
import { ownEnvironment } from "./run.ts";
import type { ScratchProject } from "./scratch-project.ts";

/** A broker that npx was told to start where nothing of it was before. */
export interface NpxBroker {
  /** What npm and the broker said, up to the line that says ready, or to the end. */
  readonly output: Promise<string>;
  stop(): Promise<void>;
}

/** `npx ottla broker` with an empty cache, from the tarballs that `ottla` depends on. */
export async function startWithNpx({ directory, tarballs }: ScratchProject): Promise<NpxBroker> {
  const needed = new Set(dependencyTree(directory, ["ottla"], { withOptional: false }).map(({ name }) => name));
  const own = tarballs.filter(({ name }) => needed.has(name)).flatMap(({ path }) => ["--package", `file:${path}`]);
  const empty = await mkdtemp(join(tmpdir(), "ottla-npx-"));
  const args = ["exec", "--yes", "--no-audit", "--cache", join(empty, "cache"), ...own];
  const command = ["--", "ottla", "broker", "--memory", "--port", "0"];
  // A group of its own: npm does not pass on to the broker that it is to end.
  const npm = spawn("npm", [...args, ...command], { cwd: empty, env: ownEnvironment(), detached: true });
  const closed = new Promise<void>((resolve) => npm.once("close", () => resolve()));
  const output = new Promise<string>((resolve) => {
    let text = "";
    const add = (chunk: unknown) => {
      text += chunk;
      if (/^ready /m.test(text)) resolve(text);
    };
    npm.stdout.on("data", add);
    npm.stderr.on("data", add);
    void closed.then(() => resolve(text));
  });
  return {
    output,
    async stop() {
      if (npm.exitCode === null) process.kill(-npm.pid!, "SIGTERM");
      await closed;
      await rm(empty, { recursive: true, force: true });
    },
  };
}
