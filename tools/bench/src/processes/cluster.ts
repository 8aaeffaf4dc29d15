import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@ottla/transport/node";
import { externalPrograms } from "../../../fetch/external-programs.mjs";
import { OTTLA_COMMAND } from "./broker.ts";
import { sessionEndMs } from "./broker-session.ts";
import { endProcess } from "./end-process.ts";
import { KafkaUnderTest } from "./kafka.ts";
import { cpuMsOf, residentBytesOf } from "./proc.ts";
import { until } from "./until.ts";

/** Three brokers as processes of this machine, ours or Apache Kafka's. */
export interface BenchCluster {
  readonly bootstrapServers: string;
  /** CPU time of all brokers so far, in ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

export const BROKERS = 3;

/** Whether this machine has what our clusters keep their metadata in. */
export function hasZooKeeper(): boolean {
  return externalPrograms.java.find() !== null && externalPrograms.zooKeeperJars.find() !== null;
}

/** `ottla cluster start`, with its data in a directory that goes with it. */
export class OttlaCluster implements BenchCluster {
  readonly bootstrapServers: string;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #pids: Map<number, number>;
  readonly #restarted: ChildProcess[] = [];

  private constructor(child: ChildProcess, directory: string, bootstrapServers: string, pids: Map<number, number>) {
    this.#child = child;
    this.#directory = directory;
    this.bootstrapServers = bootstrapServers;
    this.#pids = pids;
  }

  static async start(set: readonly string[] = []): Promise<OttlaCluster> {
    const directory = await mkdtemp(join(tmpdir(), "ottla-bench-cluster-"));
    const jars = (externalPrograms.zooKeeperJars.find() ?? "").replace(/[/\\]\*$/, "");
    const args = ["cluster", "start", "--brokers", String(BROKERS), "--port", "0", "--data", directory];
    const settings = set.flatMap((setting) => ["--set", setting]);
    const child = spawn(process.execPath, [OTTLA_COMMAND, ...args, ...settings], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ZOOKEEPER_HOME: jars },
    });
    // Read to the end: who cannot tell any more that it stops its processes does not stop them.
    const output = linesOf(child);
    try {
      await until("the cluster is ready", () => isReady(child, output, "the cluster did not start"), START);
    } catch (error) {
      await stopStarter(child, directory);
      throw error;
    }
    const pids = [...output.text.matchAll(/^broker (\d+) \(pid (\d+)\)/gm)].map(
      (m) => [Number(m[1]), Number(m[2])] as const,
    );
    return new OttlaCluster(child, directory, /^ready (\S+)/m.exec(output.text)![1]!, new Map(pids));
  }

  cpuMs(): number {
    return this.#sum(cpuMsOf);
  }

  residentBytes(): number {
    return this.#sum(residentBytesOf);
  }

  /** Ends a broker at once: nothing is handed over. */
  kill(brokerId: number): void {
    process.kill(this.#pids.get(brokerId)!, "SIGKILL");
    this.#pids.delete(brokerId);
  }

  /** Resolves to the time on the clock of `performance.now()` at which ZooKeeper ends the session of a broker that runs now. */
  async sessionEndMs(brokerId: number): Promise<number> {
    const settings = await readFile(this.#fileOf(brokerId), "utf8");
    return await sessionEndMs(/^zookeeper\.connect=(.+)$/m.exec(settings)![1]!, brokerId);
  }

  /** Starts a broker that was killed again; resolves when it serves. */
  async restart(brokerId: number): Promise<void> {
    await this.#startAlone(brokerId);
  }

  /** How long a broker that the cluster has not had before takes until it serves, in ms. It is stopped then. */
  async join(): Promise<number> {
    const id = BROKERS + 1;
    const settings = await readFile(this.#fileOf(1), "utf8");
    const own = {
      "node.id": id,
      listeners: "PLAINTEXT://localhost:0",
      "log.dirs": join(this.#directory, `broker-${id}`),
    };
    const lines = Object.entries(own).map(([key, value]) => `${key}=${String(value).replaceAll("\\", "\\\\")}\n`);
    await writeFile(this.#fileOf(id), settings + lines.join(""));
    const startedMs = performance.now();
    const child = await this.#startAlone(id);
    const elapsedMs = performance.now() - startedMs;
    await endProcess(child, "SIGTERM");
    this.#pids.delete(id);
    await rm(own["log.dirs"], { recursive: true, force: true });
    return elapsedMs;
  }

  #fileOf(brokerId: number): string {
    return join(this.#directory, `broker-${brokerId}.properties`);
  }

  async #startAlone(brokerId: number): Promise<ChildProcess> {
    const file = this.#fileOf(brokerId);
    const child = spawn(process.execPath, [OTTLA_COMMAND, "broker", "--config", file], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#restarted.push(child);
    this.#pids.set(brokerId, child.pid!);
    const output = linesOf(child);
    await until(`broker ${brokerId} is ready`, () => isReady(child, output, `broker ${brokerId} did not start`), START);
    return child;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#restarted.map((child) => endProcess(child, "SIGTERM")));
    await stopStarter(this.#child, this.#directory);
  }

  #sum(measure: (pid: number) => number | undefined): number {
    return [...this.#pids.values()].reduce((sum, pid) => sum + (measure(pid) ?? Number.NaN), 0);
  }
}

/** Looked for often: what a start takes is measured by it. */
const START = { pollMs: 5, timeoutMs: 90_000 };

interface Output {
  text: string;
}

function linesOf(child: ChildProcess): Output {
  const output: Output = { text: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output.text += text;
  });
  return output;
}

/** @throws Error where the process has ended before */
function isReady(child: ChildProcess, output: Output, complaint: string): boolean {
  if (/^ready /m.test(output.text)) return true;
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${complaint}:\n${output.text}`);
  return false;
}

/** Ends `ottla cluster start`, which ends its brokers and ZooKeeper; where it cannot any more, they are killed. */
async function stopStarter(child: ChildProcess, directory: string): Promise<void> {
  if (!(await endProcess(child, "SIGINT"))) await killLeftZooKeeper(directory);
  await rm(directory, { recursive: true, force: true });
}

/** Brokers notice that their starter is gone. ZooKeeper does not. */
async function killLeftZooKeeper(directory: string): Promise<void> {
  const pid = Number(await readFile(join(directory, "zookeeper-1", "pid"), "utf8").catch(() => ""));
  try {
    if (pid > 0) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Three nodes of Apache Kafka that are brokers and controllers. */
export class KafkaCluster implements BenchCluster {
  readonly #nodes: readonly KafkaUnderTest[];

  private constructor(nodes: readonly KafkaUnderTest[]) {
    this.#nodes = nodes;
  }

  static async start(settings: Readonly<Record<string, string>>): Promise<KafkaCluster> {
    const ports: number[] = [];
    while (ports.length < BROKERS) ports.push(await freePort());
    const voters = ports.map((port, index) => `${index + 1}@localhost:${port}`).join(",");
    const starts = await Promise.allSettled(
      ports.map((controllerPort, index) =>
        KafkaUnderTest.start(
          { ...settings, "node.id": String(index + 1), "controller.quorum.voters": voters },
          controllerPort,
        ),
      ),
    );
    const nodes = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed === undefined) return new KafkaCluster(nodes);
    await Promise.all(nodes.map((node) => node.stop()));
    throw failed.reason;
  }

  get bootstrapServers(): string {
    return this.#nodes.map(({ port }) => `localhost:${port}`).join(",");
  }

  cpuMs(): number {
    return this.#nodes.reduce((sum, node) => sum + (node.cpuMs() ?? Number.NaN), 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}
