import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "./until.ts";

/** A program that runs until it is told to end. */
export class LongRunning {
  readonly #child: ChildProcess;
  #output = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, args, { stdio: "pipe", env });
    this.#child.stdout?.on("data", (chunk) => {
      this.#output += chunk;
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.#output += chunk;
    });
    this.#child.stdin?.on("error", () => {});
  }

  /** Everything it has printed so far. */
  get output(): string {
    return this.#output;
  }

  async untilPrinted(what: RegExp, timeoutMs = 45_000): Promise<void> {
    const isOver = () => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await until(
      `printed ${what}`,
      () => what.test(this.#output) || isOver(),
      timeoutMs,
      () => this.#output,
    );
    if (!what.test(this.#output)) throw new Error(`ended without having printed ${what}:\n${this.#output}`);
  }

  /** Closes its input, and asks it to end where that is not enough. Resolves to its exit code. */
  async stop(signal: NodeJS.Signals | null = null): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    if (signal !== null) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(timer);
    return this.#child.exitCode;
  }
}
