import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { freePort } from "@ottla/transport/node";
import { external, kafkaClassPath } from "./external.ts";
import { classFlags, kafkaTool, SHORT_LIVED_JVM } from "./java.ts";

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;

/** A further listener beside the plain one. */
export interface KafkaListener {
  /** Its name, such as `SECURE`. */
  readonly name: string;
  readonly securityProtocol: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
}

export interface KafkaProcessOptions {
  /** The jars to run, as a class path; those of the newest version by default. */
  readonly classPath?: string | null;
  readonly listeners?: readonly KafkaListener[];
  /** Users that the cluster is formatted with: `--add-scram` of the storage tool. */
  readonly scramUsers?: readonly string[];
}

/** A single Apache Kafka node (KRaft, broker and controller in one), from its jars: the reference beside ours. */
export class KafkaProcess {
  readonly port: number;
  readonly #classPath: string;
  readonly #directory: string;
  #child: ChildProcess;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(ports: ReadonlyMap<string, number>, directory: string, classPath: string) {
    this.port = ports.get("PLAINTEXT")!;
    this.#ports = ports;
    this.#directory = directory;
    this.#classPath = classPath;
    this.#child = this.#spawn();
  }

  /** Its log directory. */
  get logDirectory(): string {
    return logDirectoryIn(this.#directory);
  }

  get bootstrapServers(): string {
    return `localhost:${this.port}`;
  }

  /** Where one of the further listeners is reached. */
  addressOf(listenerName: string): string {
    return `localhost:${this.#ports.get(listenerName)}`;
  }

  static async start(
    settings: Readonly<Record<string, string>> = {},
    { classPath = kafkaClassPath, listeners = [], scramUsers = [] }: KafkaProcessOptions = {},
  ): Promise<KafkaProcess> {
    if (external.java === null || classPath === null) throw new Error("Java or Apache Kafka's jars are absent");
    const directory = await mkdtemp(join(tmpdir(), "kafka-e2e-"));
    const ports = new Map<string, number>();
    for (const name of ["PLAINTEXT", "CONTROLLER", ...listeners.map((listener) => listener.name)]) {
      ports.set(name, await freePort());
    }
    const propertiesFile = propertiesFileIn(directory);
    await writeFile(propertiesFile, serverProperties(directory, ports, listeners, settings));
    const format = () => formatDirectory(propertiesFile, classPath, scramUsers);
    // More than one, or one elsewhere, the tool has to make by itself.
    if ("log.dirs" in settings) await format();
    else await formatOnce(logDirectoryIn(directory), [classPath, ...scramUsers], format);
    const kafka = new KafkaProcess(ports, directory, classPath);
    await kafka.#waitUntilReady();
    return kafka;
  }

  async stop(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A stop in good order. Its files stay. */
  async shutDown(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Starts it again on its files, after {@link shutDown}. */
  async startAgain(): Promise<void> {
    this.#child = this.#spawn();
    await this.#waitUntilReady();
  }

  #spawn(): ChildProcess {
    const args = [
      "-Xmx1g",
      ...SHORT_LIVED_JVM,
      ...classFlags(this.#classPath),
      "kafka.Kafka",
      propertiesFileIn(this.#directory),
    ];
    return spawn(external.java!, args, { stdio: ["ignore", "ignore", "ignore"] });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  /** It answers requests only once it is ready. */
  async #waitUntilReady(): Promise<void> {
    const runtime = createSystemRuntime();
    const connector = createDefaultConnector(runtime);
    const address = parseAddress(this.bootstrapServers);
    const deadlineMs = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadlineMs && this.#child.exitCode === null) {
      try {
        const connection = await BrokerConnection.open({ address, connector, runtime, clientId: "until-ready" });
        await connection.close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
      }
    }
    throw new Error(`Apache Kafka did not answer within ${READY_TIMEOUT_MS} ms, or ended`);
  }
}

async function formatDirectory(
  propertiesFile: string,
  classPath: string,
  scramUsers: readonly string[],
): Promise<void> {
  const users = scramUsers.flatMap((user) => ["--add-scram", user]);
  const args = ["format", "--config", propertiesFile, "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qg", ...users];
  const { code, stdout, stderr } = await kafkaTool("kafka.tools.StorageTool", args, { classPath });
  if (code !== 0) throw new Error(`formatting failed: ${stdout}${stderr}`);
}

/** What the tool writes is the same each time, and costs a start of Java: it is kept by what it depends on, and copied. */
async function formatOnce(directory: string, dependsOn: readonly string[], format: () => Promise<void>): Promise<void> {
  const key = createHash("sha256").update(JSON.stringify(dependsOn)).digest("hex").slice(0, 16);
  const kept = fileURLToPath(new URL(`../../.test-results/kafka-formatted-${key}`, import.meta.url));
  if (existsSync(kept)) return await cp(kept, directory, { recursive: true });
  await format();
  const unfinished = `${kept}.${process.pid}`;
  await cp(directory, unfinished, { recursive: true });
  // Another file's may have got there first.
  await rename(unfinished, kept).catch(() => rm(unfinished, { recursive: true }));
}

function propertiesFileIn(directory: string): string {
  return join(directory, "server.properties");
}

function logDirectoryIn(directory: string): string {
  return join(directory, "logs");
}

function serverProperties(
  directory: string,
  ports: ReadonlyMap<string, number>,
  listeners: readonly KafkaListener[],
  settings: Readonly<Record<string, string>>,
): string {
  const addresses = (names: readonly string[]) =>
    names.map((name) => `${name}://localhost:${ports.get(name)}`).join(",");
  const clientListeners = ["PLAINTEXT", ...listeners.map(({ name }) => name)];
  const protocols = listeners.map(({ name, securityProtocol }) => `,${name}:${securityProtocol}`).join("");
  const properties = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@localhost:${ports.get("CONTROLLER")}`,
    listeners: addresses([...clientListeners, "CONTROLLER"]),
    "advertised.listeners": addresses(clientListeners),
    "listener.security.protocol.map": `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": logDirectoryIn(directory),
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
