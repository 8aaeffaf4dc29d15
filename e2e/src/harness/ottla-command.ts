import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ProcessResult, run } from "./process.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The `ottla` command as the checkout has it. */
export const OTTLA_COMMAND = pathOf("../../../apps/cli/bin/ottla.cjs");
/** The bundle that it loads. */
const ENTRY = pathOf("../../../apps/cli/dist/command/ottla.js");

const TIMEOUT_MS = 45_000;

/** Commands that have commands of their own. */
const FAMILIES: ReadonlySet<string> = new Set("cluster configs groups log perf topics transactions".split(" "));
/** What starts processes, or listens for clients: each run has a process of its own. */
const SERVERS: ReadonlySet<string> = new Set(["broker", "cluster start"]);

interface CommandOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs `ottla` to its end, as a person would in a terminal: in a process of its own the first time that a command of its
 * kind is run, or where it has something to read; after that in the {@link CommandHost}, which takes a tenth of the work.
 */
export function ottla(args: readonly string[], options: CommandOptions = {}): Promise<ProcessResult> {
  const env = { ...process.env, NO_COLOR: "1", ...options.env };
  const kind = kindOf(args);
  const isKnown = kindsRun.has(kind);
  kindsRun.add(kind);
  if (isKnown && options.input === undefined && !SERVERS.has(kind)) {
    return host.run(args, env, options.timeoutMs ?? TIMEOUT_MS);
  }
  return run(process.execPath, [OTTLA_COMMAND, ...args], { timeoutMs: TIMEOUT_MS, ...options, env });
}

/** The kinds that had a process of their own. */
const kindsRun = new Set<string>();

/** `topics create`, `consume`: what is run, whatever its options and arguments. */
function kindOf([family = "", command = ""]: readonly string[]): string {
  return FAMILIES.has(family) ? `${family} ${command}` : family;
}

interface HostResult extends ProcessResult {
  /** Kinds of resources of Node.js. */
  readonly left: readonly string[];
}

/**
 * Commands that end by themselves, one after another in one process (`command-host.mjs`), which is started for the first of
 * them and ends with this one. Each begins anew with arguments, environment, output and exit code of its own, and has to
 * leave nothing behind that would keep a process from its end.
 */
export class CommandHost {
  readonly #entry: string;
  #child: ChildProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(entry: string) {
    this.#entry = entry;
  }

  run(args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<ProcessResult> {
    const result = this.#last.then(() => this.#runOne(args, env, timeoutMs));
    this.#last = result.catch(() => {});
    return result;
  }

  async #runOne(args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<ProcessResult> {
    const child = this.#running();
    const what = `ottla ${args.join(" ")}`;
    const ended = new AbortController();
    const answer = once(child, "message", { signal: ended.signal });
    const onExit = () => ended.abort(new Error(`${what}: its process has ended, see its error output`));
    child.once("exit", onExit);
    const timer = setTimeout(() => {
      ended.abort(new Error(`${what} did not end within ${timeoutMs} ms`));
      child.kill("SIGKILL");
    }, timeoutMs);
    try {
      child.send({ args, env });
      const [{ left, ...result }] = (await answer) as [HostResult];
      if (left.length > 0) throw new Error(`${what} would not have ended, for what it has left: ${left.join(", ")}`);
      return result;
    } catch (error) {
      child.kill("SIGKILL"); // nothing after it would be as in a new process
      this.#child = null;
      throw ended.signal.aborted ? ended.signal.reason : error;
    } finally {
      clearTimeout(timer);
      child.off("exit", onExit);
    }
  }

  #running(): ChildProcess {
    if (this.#child === null) {
      // As in bin/ottla.cjs, where it says why.
      const env = { ...process.env, UV_THREADPOOL_SIZE: "16" };
      const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
      this.#child = fork(pathOf("command-host.mjs"), [this.#entry], { env, execArgv: [], stdio: [...stdio] });
      this.#child.unref();
      this.#child.channel?.unref();
    }
    return this.#child;
  }
}

const host = new CommandHost(ENTRY);
