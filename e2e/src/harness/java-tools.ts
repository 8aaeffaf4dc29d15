import { type ChildProcess, spawn } from "node:child_process";
import { external } from "./external.ts";
import { SMALL_JVM } from "./java.ts";
import { javaProgram } from "./java-programs.ts";
import type { ProcessResult } from "./process.ts";

const TIMEOUT_MS = 60_000;

/** Apache Kafka's command-line tools of one version in one process that stays: see `JavaToolsDriver.java`. */
export class JavaTools {
  readonly #child: ChildProcess;
  #received: Buffer = Buffer.alloc(0);
  #complaints = "";
  #last: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | null = null;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    child.stderr?.on("data", (chunk) => {
      this.#complaints += chunk;
    });
    child.stdin?.on("error", () => {}); // told by what is missing of its answer
    child.on("exit", () => this.#wake?.());
  }

  static start(classPath: string | null): JavaTools {
    if (external.java === null || classPath === null) throw new Error("Java or Apache Kafka's jars are absent");
    const driver = javaProgram("JavaToolsDriver", classPath);
    return new JavaTools(spawn(external.java, [...SMALL_JVM, ...driver], { stdio: "pipe" }));
  }

  /** Runs a tool by its class. One at a time: later calls wait. */
  run(
    className: string,
    args: readonly string[],
    options: { readonly input?: string; readonly timeoutMs?: number } = {},
  ): Promise<ProcessResult> {
    const result = this.#last.then(() => this.#runOne(className, args, options));
    this.#last = result.catch(() => {});
    return result;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  async #runOne(
    className: string,
    args: readonly string[],
    { input = "", timeoutMs = TIMEOUT_MS }: { readonly input?: string; readonly timeoutMs?: number },
  ): Promise<ProcessResult> {
    const text = Buffer.from(input);
    this.#child.stdin?.write(
      Buffer.concat([utf(className), int(args.length), ...args.map(utf), int(text.length), text]),
    );
    const endsAtMs = performance.now() + timeoutMs;
    const what = `${className} ${args.join(" ")}`;
    const code = (await this.#take(4, endsAtMs, what)).readInt32BE();
    const stdout = await this.#takeText(endsAtMs, what);
    const stderr = await this.#takeText(endsAtMs, what);
    return { code, stdout, stderr };
  }

  async #takeText(endsAtMs: number, what: string): Promise<string> {
    const length = (await this.#take(4, endsAtMs, what)).readInt32BE();
    return (await this.#take(length, endsAtMs, what)).toString();
  }

  async #take(length: number, endsAtMs: number, what: string): Promise<Buffer> {
    while (this.#received.length < length) {
      const leftMs = endsAtMs - performance.now();
      if (leftMs <= 0 || this.#child.exitCode !== null || this.#child.signalCode !== null) {
        this.stop(); // the tool still runs: nothing after it would be true
        throw new Error(`${what}: no answer, the tools' process has ended\n${this.#complaints}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** As Java's `readUTF` wants it (for what has no zero character and none beyond the first plane). */
function utf(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
