import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { external, kafkaClassPath } from "./external.ts";
import { freePort } from "./free-port.ts";
import { kafkaTool } from "./java.ts";

const READY_TIMEOUT_MS = 60_000;

/** A single Apache Kafka node (KRaft, broker and controller in one), from its jars: the reference beside ours. */
export class KafkaProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
  }

  get bootstrapServers(): string {
    return `localhost:${this.port}`;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<KafkaProcess> {
    if (external.java === null || kafkaClassPath === null) throw new Error("Java or Apache Kafka's jars are absent");
    const directory = await mkdtemp(join(tmpdir(), "kafka-e2e-"));
    const [port, controllerPort] = [await freePort(), await freePort()];
    const propertiesFile = join(directory, "server.properties");
    await writeFile(propertiesFile, serverProperties(directory, port, controllerPort, settings));
    const formatted = await kafkaTool("kafka.tools.StorageTool", [
      ...["format", "--config", propertiesFile, "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qg"],
    ]);
    if (formatted.code !== 0) throw new Error(`formatting failed: ${formatted.stdout}${formatted.stderr}`);
    const child = spawn(external.java, ["-Xmx1g", "-cp", kafkaClassPath, "kafka.Kafka", propertiesFile], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    const kafka = new KafkaProcess(port, child, directory);
    await kafka.#waitUntilReady();
    return kafka;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #waitUntilReady(): Promise<void> {
    const deadlineMs = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadlineMs) {
      const { code } = await kafkaTool("org.apache.kafka.tools.BrokerApiVersionsCommand", [
        ...["--bootstrap-server", this.bootstrapServers],
      ]).catch(() => ({ code: 1 }));
      if (code === 0) return;
    }
    throw new Error(`Apache Kafka did not answer within ${READY_TIMEOUT_MS} ms`);
  }
}

function serverProperties(
  directory: string,
  port: number,
  controllerPort: number,
  settings: Readonly<Record<string, string>>,
): string {
  const properties = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@localhost:${controllerPort}`,
    listeners: `PLAINTEXT://localhost:${port},CONTROLLER://localhost:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://localhost:${port}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(directory, "logs"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    ...settings,
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
}
