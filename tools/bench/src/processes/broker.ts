import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const OTTLA_COMMAND = fileURLToPath(new URL("../../../../apps/cli/bin/ottla.cjs", import.meta.url));

/** Linux counts CPU time in hundredths of a second, whatever its timer does. */
const MS_PER_TICK = 10;

/** What is kept of a broker's log, for the case that it does not start. */
const LOG_CHARACTERS_MAX = 10_000;

/** `ottla broker` as a process of its own, with its data in a directory that goes with it. */
export class BrokerUnderTest {
  readonly port: number;
  /** From spawn to the line that says `ready`. */
  readonly startMs: number;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, directory: string, port: number, startMs: number) {
    this.#child = child;
    this.#directory = directory;
    this.port = port;
    this.startMs = startMs;
  }

  static async start(args: readonly string[] = []): Promise<BrokerUnderTest> {
    const directory = await mkdtemp(join(tmpdir(), "ottla-bench-"));
    const startedMs = performance.now();
    const command = [OTTLA_COMMAND, "broker", "--port", "0", "--data", directory, ...args];
    const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    child.stderr.on("data", (chunk) => {
      log = (log + chunk).slice(-LOG_CHARACTERS_MAX);
    });
    let output = "";
    for await (const chunk of child.stdout) {
      output += chunk;
      const ready = /ready .*?localhost:(\d+)/.exec(output);
      if (ready) return new BrokerUnderTest(child, directory, Number(ready[1]), performance.now() - startedMs);
    }
    throw new Error(`the broker did not start:\n${output}${log}`);
  }

  /** CPU time so far, in ms; undefined where the platform does not tell. */
  cpuMs(): number | undefined {
    try {
      const fields = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    } catch {
      return undefined;
    }
  }

  /** Resident memory now, in bytes; undefined where the platform does not tell. */
  residentBytes(): number | undefined {
    return residentBytesOf(this.#child.pid ?? 0);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export function residentBytesOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
