import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandHost } from "./ottla-command.ts";

/** What commands could leave behind, and must not find of each other. */
const ENTRY = `
  const [, , what, ...rest] = process.argv;
  process.stdout.write(rest.join() + process.env.OTTLA_BOOTSTRAP);
  process.stderr.write(String(process.listenerCount("SIGINT")));
  process.on("SIGINT", () => {});
  if (what === "fails") process.exitCode = 2;
  if (what === "waits a little") setTimeout(() => process.stdout.write(", later"), 50);
  if (what === "stays") setInterval(() => {}, 1_000);
  if (what === "ends at once") process.exit(3);
`;

describe("a host of commands", () => {
  let directory: string;
  let host: CommandHost;
  const run = (args: readonly string[], bootstrap: string) =>
    host.run(args, { ...process.env, OTTLA_BOOTSTRAP: bootstrap }, 10_000);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-command-host-"));
    await writeFile(join(directory, "entry.mjs"), ENTRY);
    host = new CommandHost(join(directory, "entry.mjs"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("gives each its own arguments, environment, output and exit code, and waits for its end", async () => {
    const results = await Promise.all([
      run(["fails", "a", "b"], "one"),
      run(["waits a little"], "two"),
      run([], "three"),
    ]);
    expect(results).toEqual([
      { code: 2, stdout: "a,bone", stderr: "0" },
      { code: 0, stdout: "two, later", stderr: "0" },
      { code: 0, stdout: "three", stderr: "0" },
    ]);
  });

  it("tells of one that would not have ended, or that has ended the process, and goes on with another process", async () => {
    await expect(run(["stays"], "")).rejects.toThrow("ottla stays would not have ended, for what it has left: Timeout");
    await expect(run(["ends at once"], "")).rejects.toThrow("ottla ends at once: its process has ended");
    expect(await run(["x", "again"], "")).toMatchObject({ code: 0, stdout: "again" });
  });
});
