import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { externalPrograms } from "../../../fetch/external-programs.mjs";
import { type ClientSettings, RECORD_KEY } from "../clients/bench-client.ts";
import type { ClientRequest, ClientResponse } from "../clients/protocol.ts";
import type { ClientHandle } from "./client-process.ts";
import { hasKafka } from "./kafka.ts";
import { PayloadFiles } from "./payload-file.ts";

const PROGRAM = fileURLToPath(new URL("../../src/clients/JavaClient.java", import.meta.url));

/** More than the client's own default: what people set who care for throughput. */
export const TUNED_JAVA = { "batch.size": "262144", "linger.ms": "5", "buffer.memory": "67108864" };

/** Apache Kafka's Java client, warm, in a process of its own. */
export class JavaClientProcess implements ClientHandle {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #payload = new PayloadFiles();

  private constructor(child: ChildProcess, answers: AsyncIterator<string>) {
    this.#child = child;
    this.#answers = answers;
  }

  static async start(
    bootstrap: string,
    { acks, compression }: ClientSettings,
    configs: Readonly<Record<string, string>>,
  ): Promise<JavaClientProcess> {
    if (!hasKafka()) throw new Error("Java or Apache Kafka's jars are absent");
    const settings = Object.entries({ acks: String(acks), "compression.type": compression, ...configs });
    const args = ["-Xmx512m", "-Dlog4j2.level=OFF", "-cp", externalPrograms.kafkaJars.find()!, PROGRAM, bootstrap];
    const child = spawn(
      externalPrograms.java.find()!,
      [...args, ...settings.map(([key, value]) => `${key}=${value}`)],
      {
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    const client = new JavaClientProcess(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    await client.#nextAnswer();
    return client;
  }

  async ask(request: ClientRequest): Promise<ClientResponse> {
    this.#child.stdin!.write(`${this.#task(request)}\n`);
    const [elapsedMs = 0, records = 0, cpuMs = 0] = (await this.#nextAnswer()).split(" ").map(Number);
    return { elapsedMs, records, cpuMs };
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin!.end();
    await ended;
    this.#payload.remove();
  }

  #task(request: ClientRequest): string {
    if (request.kind === "consume") return `consume ${request.topic} ${request.partitions} ${request.records}`;
    if (request.kind !== "produceBatches") throw new Error(`the Java client is not asked for ${request.kind}`);
    const { topics, calls, recordsPerCall, recordBytes } = request;
    const values = this.#payload.file(recordBytes, 1_000);
    return `produce ${topics[0]} ${calls * recordsPerCall} ${RECORD_KEY} ${values}`;
  }

  async #nextAnswer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the Java client has ended");
    return value;
  }
}
