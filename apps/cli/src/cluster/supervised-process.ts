import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";

/** A process that the cluster runs. */
export interface RunningProcess {
  /** What a person calls it. */
  readonly name: string;
  readonly isRunning: boolean;
  /** The last thing that it said for a person. */
  readonly lastWords: string;
  /** How it ended, once it has. */
  readonly end: string;
  /** Resolves when the process has ended; never rejects. */
  readonly ended: Promise<void>;
  /** Asks it to end, and waits for that; after `patienceMs` it is killed. */
  stop(patienceMs: number): Promise<void>;
}

export interface SupervisedProcessOptions {
  /** What a person calls it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its output is added to this file. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Keeps a channel open, by whose end the process notices that this one is gone. Default false. */
  readonly hasChannel?: boolean;
}

/** How much of the end of its output is kept, to say why it ended. */
const OUTPUT_KEPT_CHARS = 4_000;

/**
 * A process that is started and stopped by this one alone: it has a process group of its own, so that Ctrl-C in the
 * terminal does not reach it past us.
 */
export class SupervisedProcess implements RunningProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #listeners = new Set<(line: string) => void>();
  #output = "";

  constructor({ name, command, args, logFile, env, hasChannel = false }: SupervisedProcessOptions) {
    this.name = name;
    this.#log = createWriteStream(logFile, { flags: "a" });
    this.#child = spawn(command, [...args], {
      detached: true,
      stdio: hasChannel ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#onOutput(text));
    }
    this.#child.on("error", (error) => this.#onOutput(`${error.message}\n`));
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last thing that it said for a person; empty where it has said nothing. */
  get lastWords(): string {
    const lines = this.#output.trim().split("\n");
    return (lines.findLast((line) => line.startsWith("ottla: ")) ?? lines.at(-1) ?? "").replace(/^ottla: /, "");
  }

  /** How it ended, once it has. */
  get end(): string {
    const { exitCode, signalCode } = this.#child;
    return signalCode === null ? `with code ${exitCode}` : `by ${signalCode}`;
  }

  /** Resolves with the first line of output that matches. @throws Error when the process ends before */
  line(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this.#output);
        if (found === null) return;
        this.#listeners.delete(look);
        resolve(found[0]);
      };
      this.#listeners.add(look);
      void this.ended.then(() => reject(new Error(`${this.name} did not start: ${this.lastWords}`)));
      look();
    });
  }

  /** Resolves when the process has ended; never rejects. */
  get ended(): Promise<void> {
    if (!this.isRunning) return Promise.resolve();
    return once(this.#child, "close").then(
      () => {},
      () => {},
    );
  }

  /** Asks it to end, and waits for that; after `patienceMs` it is killed. */
  async stop(patienceMs: number): Promise<void> {
    if (!this.isRunning) return;
    const { ended } = this;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs);
    await ended;
    clearTimeout(timer);
    this.#log.end();
  }

  #onOutput(text: string): void {
    if (this.#log.writable) this.#log.write(text);
    this.#output = (this.#output + text).slice(-OUTPUT_KEPT_CHARS);
    for (const listener of [...this.#listeners]) listener(text);
  }
}
