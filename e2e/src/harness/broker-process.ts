import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@ottla/transport/node";
import { OTTLA_COMMAND } from "./ottla-command.ts";

const READY_TIMEOUT_MS = 60_000;

export interface BrokerProcessOptions {
  /** Where its data lives; a new temporary directory by default, removed by `stop`. `null` runs `--memory`. */
  readonly dataDirectory?: string | null;
  /** Default: a free one, which stays free for a restart. */
  readonly port?: number;
  /** `listeners`, where there are more than the one on `port`. */
  readonly listeners?: string;
  /** More arguments, such as `["--set", "num.partitions=3"]`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `ottla broker` as a process of its own, started and stopped as a person would. */
export class BrokerProcess {
  readonly port: number;
  readonly dataDirectory: string | null;
  /** From spawn to the line that says `ready`. */
  readonly startMs: number;
  readonly child: ChildProcess;
  readonly #output: string[];
  readonly #removeData: boolean;

  private constructor(init: {
    port: number;
    dataDirectory: string | null;
    startMs: number;
    child: ChildProcess;
    output: string[];
    removeData: boolean;
  }) {
    this.port = init.port;
    this.dataDirectory = init.dataDirectory;
    this.startMs = init.startMs;
    this.child = init.child;
    this.#output = init.output;
    this.#removeData = init.removeData;
  }

  get bootstrapServers(): string {
    return `localhost:${this.port}`;
  }

  get webSocketUrl(): string {
    return `ws://localhost:${this.port}`;
  }

  /** Everything the process has printed so far. */
  get output(): string {
    return this.#output.join("");
  }

  static async start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const removeData = options.dataDirectory === undefined;
    const dataDirectory =
      options.dataDirectory === undefined ? await mkdtemp(join(tmpdir(), "ottla-e2e-")) : options.dataDirectory;
    const where = dataDirectory === null ? ["--memory"] : ["--data", dataDirectory];
    const port = options.port ?? (await freePort());
    const startedMs = performance.now();
    const output: string[] = [];
    const child = spawn(
      process.execPath,
      [OTTLA_COMMAND, "broker", ...listening(port, options), ...where, ...(options.args ?? [])],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1", ...options.env } },
    );
    child.stdout?.on("data", (chunk) => output.push(String(chunk)));
    child.stderr?.on("data", (chunk) => output.push(String(chunk)));
    await untilReady(child, output);
    const startMs = performance.now() - startedMs;
    return new BrokerProcess({ port, dataDirectory, startMs, child, output, removeData });
  }

  /** SIGTERM, and waits for the end. Resolves to the exit code. */
  async stop(): Promise<number | null> {
    const code = await this.#end("SIGTERM");
    if (this.#removeData && this.dataDirectory !== null) await rm(this.dataDirectory, { recursive: true, force: true });
    return code;
  }

  /** SIGKILL: no goodbye. The data directory stays. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, "exit");
      this.child.kill(signal);
      await ended;
    }
    return this.child.exitCode;
  }
}

function listening(port: number, { listeners }: BrokerProcessOptions): string[] {
  return listeners === undefined ? ["--port", String(port)] : ["--set", `listeners=${listeners}`];
}

/** The `ready` line is the broker's word that it serves. */
function untilReady(child: ChildProcess, output: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      child.kill("SIGKILL");
      reject(new Error(`the broker did not start: ${reason}\n${output.join("")}`));
    };
    const timer = setTimeout(() => fail(`no ready line within ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? code}`);
    });
    const look = () => {
      if (!/^ready .*\n/m.test(output.join(""))) return;
      clearTimeout(timer);
      child.stdout?.off("data", look);
      child.stderr?.off("data", look);
      child.removeAllListeners("exit");
      resolve();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
  });
}
