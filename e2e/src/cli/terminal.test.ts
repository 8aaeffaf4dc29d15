import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestBroker, type TestBroker } from "@ottla/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTerminal, Terminal } from "../harness/terminal.ts";

const ESCAPE = "\u001b";
const [ENTER_SCREEN, LEAVE_SCREEN] = [`${ESCAPE}[?1049h`, `${ESCAPE}[?1049l`];
const [HIDE_CURSOR, SHOW_CURSOR] = [`${ESCAPE}[?25l`, `${ESCAPE}[?25h`];

describe.skipIf(!hasTerminal)("the ottla command on a terminal (script of util-linux)", () => {
  let broker: TestBroker;
  let directory: string;
  const at = (...args: string[]) => [...args, "--bootstrap", broker.bootstrapServers];

  beforeAll(async () => {
    broker = await startTestBroker({ topics: ["orders"] });
    directory = await mkdtemp(join(tmpdir(), "ottla-terminal-"));
  });
  afterAll(async () => {
    await broker?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("is coloured, unless NO_COLOR is set", async () => {
    using coloured = new Terminal(at("doctor"));
    expect(await coloured.ended()).toBe(0);
    expect(coloured.output).toContain(`${ESCAPE}[32mok  ${ESCAPE}[0m`);
    using plain = new Terminal(at("doctor"), { NO_COLOR: "1" });
    expect(await plain.ended()).toBe(0);
    expect(plain.output).toMatch(/^ok {4}/m);
    expect(plain.output).not.toContain(ESCAPE);
  });

  it("gives the terminal back when top ends with Ctrl-C", async () => {
    using top = new Terminal(at("top", "--interval", "1"));
    await top.shows("records/s written");
    expect(top.output).toContain(ENTER_SCREEN + HIDE_CURSOR);
    expect(top.output).not.toContain(LEAVE_SCREEN);
    top.pressCtrlC();
    expect(await top.ended()).toBe(130);
    expect(top.output).toContain(SHOW_CURSOR + LEAVE_SCREEN);
    expect(top.output.lastIndexOf(LEAVE_SCREEN)).toBeGreaterThan(top.output.lastIndexOf("records/s written"));
  });

  it("gives the terminal back when top fails", async () => {
    using top = new Terminal(["top", "--bootstrap", "localhost:1"]);
    expect(await top.ended()).toBe(1);
    expect(top.output).toContain(SHOW_CURSOR + LEAVE_SCREEN);
    expect(top.output.lastIndexOf(LEAVE_SCREEN)).toBeLessThan(top.output.indexOf("ottla: No broker can be reached"));
  });

  it("shows how far a file is, once that takes a second", async () => {
    const file = join(directory, "lines");
    await writeFile(file, "line\n".repeat(300_000));
    const fault = broker.faults.inject({ api: "Produce", delayMs: 2_000 });
    using produce = new Terminal(at("produce", "orders", "--file", file));
    await produce.shows(/\d+% \| \d+ of 2 MB \| \S+ left/);
    fault.remove();
    expect(await produce.ended()).toBe(0);
  });

  it("ends with Ctrl-C while it shows how far it is", async () => {
    using perf = new Terminal(at("perf", "produce", "orders", "-n", "100000", "--throughput", "100"));
    await perf.shows(/of 100000 records \| /);
    perf.pressCtrlC();
    expect(await perf.ended()).toBe(130);
    expect(perf.output).not.toMatch(/\n\s+at /);
  });
});
