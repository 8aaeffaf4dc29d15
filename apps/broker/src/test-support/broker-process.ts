import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRY = `
  import { runBrokerProcess } from ${JSON.stringify(fileURLToPath(new URL("../run-broker-process.ts", import.meta.url)))};
  process.exitCode = await runBrokerProcess(JSON.parse(process.argv[2]));
`;
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../node_modules/.cache/broker-process.mjs", import.meta.url));

/** Makes a script of the broker's sources, for processes that tests start. Call it once before them. */
export async function buildBrokerProcess(): Promise<void> {
  await build({
    stdin: { contents: ENTRY, resolveDir: PROJECT, loader: "ts" },
    outfile: BUNDLE,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@ottla/source"],
    external: ["pino", "pino-pretty", "ws", "@node-rs/crc32", "snappy", "lz4-napi", "@bokuweb/zstd-wasm", "bufferutil"],
  });
}

const READY = /^ready .*?localhost:(\d+)/m;

/** A broker as a process of its own. */
export class BrokerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";

  /** @param options those of `runBrokerProcess` */
  constructor(options: object, spawnOptions: { readonly uid?: number } = {}) {
    this.child = spawn(process.execPath, [BUNDLE, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "pipe"],
      ...spawnOptions,
    });
    this.child.stdout!.on("data", (chunk) => {
      this.stdout += String(chunk);
    });
    this.child.stderr!.on("data", (chunk) => {
      this.stderr += String(chunk);
    });
    this.exited = once(this.child, "close").then(([code]) => code as number | null);
  }

  /** The port, once the broker has said that it is ready. */
  async ready(): Promise<number> {
    for (;;) {
      const match = READY.exec(this.stdout);
      if (match !== null) return Number(match[1]);
      const ended = await Promise.race([
        this.exited.then(() => true),
        once(this.child.stdout!, "data").then(() => false),
      ]);
      if (ended) throw new Error(`the broker did not start: ${this.stderr}`);
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    return await this.exited;
  }

  /** Lines for a person: what is no JSON. */
  get plainErrors(): string[] {
    return this.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
  }
}
