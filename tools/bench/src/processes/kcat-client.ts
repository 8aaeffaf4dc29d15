import { spawn } from "node:child_process";
import { once } from "node:events";
import { externalPrograms } from "../../../fetch/external-programs.mjs";
import { type ClientSettings, RECORD_KEY } from "../clients/bench-client.ts";
import type { ClientRequest, ClientResponse } from "../clients/protocol.ts";
import type { ClientHandle } from "./client-process.ts";
import { PayloadFiles } from "./payload-file.ts";

export function findKcat(): string | null {
  return externalPrograms.kcat.find();
}

/** bash's own stopwatch prints these: seconds elapsed, of user, of system. */
const TIME_FORMAT = "%R %U %S";

/**
 * librdkafka by way of kcat, which does little else: a process each time, so connecting counts here. Its input is a
 * file of records, its output goes nowhere.
 */
export class KcatClient implements ClientHandle {
  readonly #bootstrap: string;
  readonly #settings: ClientSettings;
  readonly #payload = new PayloadFiles();

  constructor(bootstrap: string, settings: ClientSettings) {
    this.#bootstrap = bootstrap;
    this.#settings = settings;
  }

  async ask(request: ClientRequest): Promise<ClientResponse> {
    const { args, records } = this.#command(request);
    const script = 'time "$@" >/dev/null';
    const child = spawn("bash", ["-c", script, "bash", findKcat()!, "-b", this.#bootstrap, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TIMEFORMAT: TIME_FORMAT },
    });
    let output = "";
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`kcat failed:\n${output}`);
    const [elapsed = 0, user = 0, system = 0] = output.trim().split("\n").at(-1)!.split(" ").map(Number);
    return { elapsedMs: elapsed * 1000, records, cpuMs: (user + system) * 1000 };
  }

  async close(): Promise<void> {
    this.#payload.remove();
  }

  #command(request: ClientRequest): { args: string[]; records: number } {
    if (request.kind === "consume") {
      const { topic, records } = request;
      return { args: ["-C", "-q", "-t", topic, "-o", "beginning", "-c", String(records), "-f", "%k%s"], records };
    }
    if (request.kind !== "produceBatches") throw new Error(`kcat is not asked for ${request.kind}`);
    const { topics, calls, recordsPerCall, recordBytes } = request;
    const records = calls * recordsPerCall;
    const file = this.#payload.file(recordBytes, records, `${RECORD_KEY}\t`);
    const { acks, compression } = this.#settings;
    const configs = [`acks=${acks}`, `compression.codec=${compression}`, "queue.buffering.max.messages=1000000"];
    const options = configs.flatMap((config) => ["-X", config]);
    return { args: ["-P", "-t", topics[0]!, "-K", "\t", "-l", ...options, file], records };
  }
}
