import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuMsOf, residentBytesOf } from "./proc.ts";

export const OTTLA_COMMAND = fileURLToPath(new URL("../../../../apps/cli/bin/ottla.cjs", import.meta.url));

/** A broker in a process of its own, ours or Apache Kafka's, listening on 127.0.0.1. */
export interface BenchBroker {
  readonly name: string;
  readonly port: number;
  /** CPU time so far, in ms; undefined where the platform does not tell. */
  cpuMs(): number | undefined;
  /** Resident memory now, in bytes; undefined where the platform does not tell. */
  residentBytes(): number | undefined;
  /** How long its event loop was held up, 99th percentile over the last minute; absent where there is none. */
  eventLoopDelayP99Ms?(): Promise<number>;
  stop(): Promise<void>;
}

/** What is kept of a broker's log, for the case that it does not start. */
const LOG_CHARACTERS_MAX = 10_000;

/** `ottla broker` as a process of its own, with its data in a directory that goes with it. */
export class BrokerUnderTest implements BenchBroker {
  readonly name = "ottla";
  readonly #directory: string;
  readonly #args: readonly string[];
  #started: Started;

  private constructor(directory: string, args: readonly string[], started: Started) {
    this.#directory = directory;
    this.#args = args;
    this.#started = started;
  }

  /** @param node the Node.js to run it with */
  static async start(args: readonly string[] = [], node = process.execPath): Promise<BrokerUnderTest> {
    const directory = await mkdtemp(join(tmpdir(), "ottla-bench-"));
    return new BrokerUnderTest(directory, args, await startOn(directory, args, node));
  }

  get port(): number {
    return this.#started.port;
  }

  /** From spawn to the line that says `ready`. */
  get startMs(): number {
    return this.#started.startMs;
  }

  cpuMs(): number | undefined {
    return cpuMsOf(this.#started.child.pid ?? 0);
  }

  residentBytes(): number | undefined {
    return residentBytesOf(this.#started.child.pid ?? 0);
  }

  async eventLoopDelayP99Ms(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`);
    const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(await response.text())?.[1];
    if (seconds === undefined) throw new Error("the broker does not tell of its event loop");
    return Number(seconds) * 1_000;
  }

  /** Stops and starts again on the same files, at another port: nothing of them is in its memory then. */
  async restart(): Promise<void> {
    await this.#end();
    this.#started = await startOn(this.#directory, this.#args, process.execPath);
  }

  async stop(): Promise<void> {
    await this.#end();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    const ended = once(this.#started.child, "exit");
    this.#started.child.kill("SIGTERM");
    await ended;
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly startMs: number;
}

async function startOn(directory: string, args: readonly string[], node: string): Promise<Started> {
  const startedMs = performance.now();
  const command = [OTTLA_COMMAND, "broker", "--port", "0", "--data", directory, ...args];
  const child = spawn(node, command, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log = (log + chunk).slice(-LOG_CHARACTERS_MAX);
  });
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    const ready = /ready .*?localhost:(\d+)/.exec(output);
    if (ready) return { child, port: Number(ready[1]), startMs: performance.now() - startedMs };
  }
  throw new Error(`the broker did not start:\n${output}${log}`);
}
