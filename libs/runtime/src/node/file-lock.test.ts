import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockFile } from "./file-lock.ts";

/** Prints "held" once it has the lock named on its command line, or the error's code; then it waits to be killed. */
const HOLDER_SOURCE = `
  import { lockFile } from ${JSON.stringify(fileURLToPath(new URL("./file-lock.ts", import.meta.url)))};
  lockFile(process.argv[2]).then(
    () => { console.log("held"); setInterval(() => {}, 1000); },
    (error) => { console.log(error.code); },
  );
`;

let directory: string;
let holderScript: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ottla-lock-"));
  holderScript = join(directory, "holder.mjs");
  await build({
    stdin: { contents: HOLDER_SOURCE, resolveDir: directory },
    outfile: holderScript,
    bundle: true,
    platform: "node",
    format: "esm",
  });
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function startHolder(path: string): Promise<{ process: ChildProcess; outcome: string }> {
  const child = spawn(process.execPath, [holderScript, path], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(child.stdout!, "data")) as [Buffer];
  return { process: child, outcome: chunk.toString().trim() };
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

function freshPath(name: string): string {
  const parent = join(directory, name);
  mkdirSync(parent, { recursive: true });
  return join(parent, ".lock");
}

describe("the lock on a data directory", () => {
  it("is refused while another process holds it, and ends with kill -9", async () => {
    const path = freshPath("killed");
    const holder = await startHolder(path);
    expect(holder.outcome).toBe("held");
    await expect(lockFile(path)).rejects.toMatchObject({ code: "LOCKED" });
    expect((await startHolder(path)).outcome).toBe("LOCKED");
    await kill(holder.process, "SIGKILL");
    const lock = await lockFile(path);
    expect((await startHolder(path)).outcome).toBe("LOCKED");
    await lock.release();
  });

  it("is refused while its holder is stopped and answers nothing", async () => {
    const path = freshPath("stopped");
    const holder = await startHolder(path);
    holder.process.kill("SIGSTOP");
    await expect(lockFile(path)).rejects.toMatchObject({ code: "LOCKED" });
    await kill(holder.process, "SIGKILL");
    await (await lockFile(path)).release();
  });

  it("works in a directory whose path is longer than a socket's may be", async () => {
    const path = freshPath(join("deep", "x".repeat(100), "y".repeat(100)));
    const lock = await lockFile(path);
    await expect(lockFile(path)).rejects.toMatchObject({ code: "LOCKED" });
    await lock.release();
  });

  it("names the process that holds it", async () => {
    const path = freshPath("named");
    const holder = await startHolder(path);
    await expect(lockFile(path)).rejects.toThrow(`process ${holder.process.pid}`);
    await kill(holder.process, "SIGKILL");
  });

  it("goes to one of several processes that start at once over a dead one's remains, and leaves none behind", async () => {
    const path = freshPath("contended");
    await kill((await startHolder(path)).process, "SIGKILL");
    const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder(path)));
    expect(holders.filter((holder) => holder.outcome === "held")).toHaveLength(1);
    const held = holders.find((holder) => holder.outcome === "held")!;
    await kill(held.process, "SIGKILL");
    await (await lockFile(path)).release();
    expect(readdirSync(join(path, "..")).filter((name) => name !== ".lock")).toEqual([]);
  });
});
