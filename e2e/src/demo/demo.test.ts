import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { freePort } from "@ottla/transport/node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const DEMO_PROGRAM = fileURLToPath(new URL("../../../tools/demo/dist/main.js", import.meta.url));
const TOPICS = ["demo.earthquakes", "demo.flights", "demo.metrics", "demo.notes"];

/** What `npm start` runs once everything is built, on a port and a directory of the test's own. */
describe("the demo", () => {
  let directory: string;
  let port: number;
  let demo: Demo;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-demo-"));
    port = await freePort();
    demo = await Demo.start(port, directory);
  });
  afterAll(async () => {
    await demo?.interrupt();
    await rm(directory, { recursive: true, force: true });
  });

  it("says what to open and what to type next", () => {
    expect(demo.output).toContain(`http://localhost:${port}/`);
    expect(demo.output).toMatch(/npx ottla consume demo\.earthquakes/);
  });

  it("feeds its topics with real data", async () => {
    await using admin = new Admin({ bootstrapServers: `localhost:${port}` });
    expect((await admin.listTopics()).map(({ name }) => name)).toEqual(TOPICS);
    await using consumer = new Consumer({ bootstrapServers: `localhost:${port}`, autoOffsetReset: "earliest" });
    consumer.assign([{ topic: "demo.earthquakes", partition: 0 }]);
    for await (const { offset, value } of consumer) {
      expect(JSON.parse(value ?? "")).toMatchObject({ magnitude: expect.any(Number), place: expect.any(String) });
      if (offset === 3) break;
    }
  });

  it("ends cleanly with Ctrl-C, and goes on from the data on disk", async () => {
    const before = await earthquakes(port);
    expect(await demo.interrupt()).toBe(0);
    demo = await Demo.start(port, directory);
    await expect
      .poll(async () => (await earthquakes(port)).length, { timeout: 20_000 })
      .toBeGreaterThan(before.length + 2);
    const after = await earthquakes(port);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(new Set(after).size, "the replay does not begin again").toBe(after.length);
  });
});

/** The keys of all earthquakes in the topic so far. */
async function earthquakes(port: number): Promise<(string | null)[]> {
  await using consumer = new Consumer({ bootstrapServers: `localhost:${port}`, autoOffsetReset: "earliest" });
  const partition = { topic: "demo.earthquakes", partition: 0 };
  consumer.assign([partition]);
  const [end] = await consumer.endOffsets([partition]);
  const keys: (string | null)[] = [];
  for await (const record of consumer) {
    keys.push(record.key);
    if (record.offset + 1 >= (end?.offset ?? 0)) break;
  }
  return keys;
}

class Demo {
  readonly #child: ChildProcess;
  output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(port: number, directory: string): Promise<Demo> {
    const env = { ...process.env, OTTLA_DEMO_PORT: String(port), OTTLA_DEMO_DATA: directory };
    const child = spawn(process.execPath, [DEMO_PROGRAM], { stdio: ["ignore", "pipe", "pipe"], env });
    const demo = new Demo(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (demo.output += chunk));
    await vi.waitUntil(() => demo.output.includes("Ottla is ready"), { timeout: 20_000 });
    return demo;
  }

  async interrupt(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGINT");
    await ended;
    return this.#child.exitCode;
  }
}
