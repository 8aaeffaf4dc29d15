import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { freePort } from "@ottla/transport/node";
import { externalPrograms, KAFKA_VERSION } from "../../../fetch/external-programs.mjs";
import { type BenchBroker, JOIN_DELAY_KEY } from "./broker.ts";
import { endProcess } from "./end-process.ts";
import { cpuMsOf, residentBytesOf } from "./proc.ts";

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";
const READY_TIMEOUT_MS = 60_000;

/** Those of Kafka's own scripts that bear on speed. Nothing is logged. */
const JVM_FLAGS = ["-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Dlog4j2.level=OFF"];

/** Whether this machine has Java and Apache Kafka's jars. */
export function hasKafka(): boolean {
  return externalPrograms.java.find() !== null && externalPrograms.kafkaJars.find() !== null;
}

/** A single Apache Kafka node from its jars, as a process of its own, with a heap of 1 GB. */
export class KafkaUnderTest implements BenchBroker {
  readonly name = `Apache Kafka ${KAFKA_VERSION}`;
  readonly port: number;
  readonly #directory: string;
  #child: ChildProcess;
  /** From spawn to the first answer; its directory was formatted before. */
  startMs = Number.NaN;

  private constructor(child: ChildProcess, directory: string, port: number) {
    this.#child = child;
    this.#directory = directory;
    this.port = port;
  }

  /** @param ofController the port of the controller's listener; by default a free one */
  static async start(settings: Readonly<Record<string, string>> = {}, ofController?: number): Promise<KafkaUnderTest> {
    const directory = await mkdtemp(join(tmpdir(), "kafka-bench-"));
    const [port, controllerPort] = [await freePort(), ofController ?? (await freePort())];
    const file = propertiesFile(directory);
    await writeFile(file, propertiesText(directory, port, controllerPort, settings));
    const formatted = java(["kafka.tools.StorageTool", "format", "--config", file, "--cluster-id", CLUSTER_ID]);
    await once(formatted, "exit");
    const startedMs = performance.now();
    const kafka = new KafkaUnderTest(java(["kafka.Kafka", file]), directory, port);
    try {
      await kafka.#ready();
      kafka.startMs = performance.now() - startedMs;
      return kafka;
    } catch (error) {
      await kafka.stop();
      throw error;
    }
  }

  cpuMs(): number | undefined {
    return cpuMsOf(this.#child.pid ?? 0);
  }

  residentBytes(): number | undefined {
    return residentBytesOf(this.#child.pid ?? 0);
  }

  async restart(): Promise<void> {
    await endProcess(this.#child, "SIGTERM");
    this.#child = java(["kafka.Kafka", propertiesFile(this.#directory)]);
    await this.#ready();
  }

  async stop(): Promise<void> {
    await endProcess(this.#child, "SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    await using admin = new Admin({
      bootstrapServers: `127.0.0.1:${this.port}`,
      defaultApiTimeoutMs: READY_TIMEOUT_MS,
    });
    const ended = once(this.#child, "exit").then(([code, signal]) => {
      throw new Error(`Apache Kafka ended before it was ready: ${code ?? signal}`);
    });
    ended.catch(() => {});
    await Promise.race([admin.listTopics(), ended]);
  }
}

const propertiesFile = (directory: string) => join(directory, "server.properties");

function java(args: readonly string[]): ChildProcess {
  const classPath = externalPrograms.kafkaJars.find() ?? "";
  const command = externalPrograms.java.find() ?? "java";
  return spawn(command, [...JVM_FLAGS, "-cp", classPath, ...args], { stdio: "ignore" });
}

function propertiesText(
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
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(directory, "logs"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    [JOIN_DELAY_KEY]: "0",
    ...settings,
  };
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  return lines.join("\n");
}
