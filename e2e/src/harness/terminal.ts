import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { OTTLA_COMMAND } from "./ottla-command.ts";
import { until } from "./until.ts";

/** Whether programs can be given a terminal here: with `script` of util-linux. */
export const hasTerminal = String(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout).includes(
  "util-linux",
);

const quoted = (argument: string) => `'${argument.replaceAll("'", "'\\''")}'`;

/** An `ottla` that has a terminal of its own, with somebody at its keyboard. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  #output = "";

  /** `NO_COLOR` is there only where `env` has it. */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { NO_COLOR: _, ...inherited } = process.env;
    const command = [process.execPath, OTTLA_COMMAND, ...args].map(quoted).join(" ");
    this.#child = spawn("script", ["-qec", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...inherited, TERM: "xterm", ...env },
    });
    this.#child.stdout!.on("data", (chunk) => {
      this.#output += chunk;
    });
    this.#exited = once(this.#child, "close");
  }

  /** All that was written to the terminal so far, with the sequences that colour and clear it. */
  get output(): string {
    return this.#output;
  }

  async shows(text: string | RegExp): Promise<void> {
    await until(`the terminal shows ${text}`, () =>
      typeof text === "string" ? this.#output.includes(text) : text.test(this.#output),
    );
  }

  pressCtrlC(): void {
    this.#child.stdin!.write("\u0003");
  }

  /** Its exit code. */
  async ended(): Promise<unknown> {
    const [code] = await this.#exited;
    return code;
  }

  /** Whatever it does. */
  [Symbol.dispose](): void {
    this.#child.stdin!.destroy();
    this.#child.kill("SIGKILL");
  }
}
