import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuMsOf, residentBytesOf } from "./proc.ts";

export const OTTLA_COMMAND = fileURLToPath(new URL("../../../../apps/cli/bin/ottla.cjs", import.meta.url));

/** What has gone through a broker so far. */
export interface Traffic {
  readonly requests: number;
  /** To consumers. */
  readonly bytesOut: number;
}

/** A broker in a process of its own, ours or Apache Kafka's, listening on 127.0.0.1. */
export interface BenchBroker {
  readonly name: string;
  readonly port: number;
  /** CPU time so far, in ms; undefined where the platform does not tell. */
  cpuMs(): number | undefined;
  /** Resident memory now, in bytes; undefined where the platform does not tell. */
  residentBytes(): number | undefined;
  /** How long its event loop was held up, 99th percentile over the last one to two minutes; absent where there is none. */
  eventLoopDelayP99Ms?(): Promise<number>;
  /** Absent where it does not tell. */
  traffic?(): Promise<Traffic>;
  /** Stops and starts again on the same files: nothing of them is in its memory then. The port may be another. */
  restart?(): Promise<void>;
  stop(): Promise<void>;
}

/** How long a new group waits for more members. Who reads only in groups would wait so before each repetition, and nobody counts that. */
export const JOIN_DELAY_KEY = "group.initial.rebalance.delay.ms";

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

  /**
   * @param given options of the command, which come after what all have
   * @param node the Node.js to run it with
   */
  static async start(given: readonly string[] = [], node = process.execPath): Promise<BrokerUnderTest> {
    const args = ["--set", `${JOIN_DELAY_KEY}=0`, ...given];
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
    return (await this.#metric("nodejs_eventloop_lag_p99_seconds")) * 1_000;
  }

  async traffic(): Promise<Traffic> {
    return {
      requests: await this.#metric("kafka_network_requestmetrics_requests_total\\{.*\\}"),
      bytesOut: await this.#metric("kafka_server_brokertopicmetrics_bytesout_total"),
    };
  }

  /** The sum of all samples called so: there are none of requests that have not come yet. */
  async #metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const samples = [...text.matchAll(new RegExp(`^${name} (\\S+)$`, "gm"))];
    return samples.reduce((sum, [, value]) => sum + Number(value), 0);
  }

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
