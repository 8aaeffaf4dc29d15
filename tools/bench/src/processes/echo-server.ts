import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchBroker } from "./broker.ts";
import { cpuMsOf, residentBytesOf } from "./proc.ts";

const ECHO_PROGRAM = fileURLToPath(new URL("../clients/echo-process.js", import.meta.url));

/** In a broker's place, a process that sends back whatever comes: the least that a request and its answer can take. */
export class EchoServer implements BenchBroker {
  readonly name = "echo";
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<EchoServer> {
    const child = fork(ECHO_PROGRAM);
    const [port] = (await once(child, "message")) as [number];
    return new EchoServer(child, port);
  }

  cpuMs(): number | undefined {
    return cpuMsOf(this.#child.pid ?? 0);
  }

  residentBytes(): number | undefined {
    return residentBytesOf(this.#child.pid ?? 0);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}
