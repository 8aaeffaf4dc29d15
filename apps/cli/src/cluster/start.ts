import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createNodeDisk } from "@ottla/runtime/node";
import { freePort } from "@ottla/transport/node";
import { EXIT_FAILED, UsageError } from "../exit.ts";
import { requireZooKeeper } from "./require-zookeeper.ts";
import { type RunningProcess, SupervisedProcess } from "./supervised-process.ts";
import { ZooKeeperServers } from "./zookeeper-servers.ts";

export interface StartOptions {
  readonly brokers: number;
  readonly port: number;
  readonly data: string;
  readonly zookeeper?: string;
  readonly zookeeperServers: number;
  readonly zookeeperJars?: string;
  readonly racks?: string;
  readonly set?: readonly string[];
}

const REPLICAS_MAX = 3;
const PORT_MAX = 65_535;
/** Longer than a broker waits for its leaderships to be handed over. */
const STOP_TIMEOUT_MS = 30_000;

/** Runs brokers on this machine until the signal aborts, or all of them have ended. */
export async function startCluster(options: StartOptions, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const data = resolve(options.data);
  const ports = await portsOf(options);
  if (options.zookeeper !== undefined) await requireZooKeeper(options.zookeeper);
  await makeDirectory(data);
  const zooKeeper =
    options.zookeeper === undefined
      ? await ZooKeeperServers.start(data, options.zookeeperServers, options.zookeeperJars)
      : null;
  const connect = options.zookeeper ?? zooKeeper!.connect;
  say(`zookeeper ${connect}`);
  const brokers = ports.map((port, index) => startBroker(options, data, connect, index + 1, port));
  try {
    if (await untilReady(brokers, signal)) {
      const bootstrap = ports.map((port) => `localhost:${port}`).join(",");
      const tookMs = Math.round(performance.now() - startedMs);
      say(
        `ready ${bootstrap} (${brokers.length} broker${brokers.length === 1 ? "" : "s"}, logs in ${data}) in ${tookMs} ms; Ctrl-C stops them`,
      );
      await untilOver([...brokers, ...(zooKeeper?.processes ?? [])], brokers, signal);
    }
  } finally {
    if (signal.aborted) say("stopping: brokers hand their leaderships over");
    await Promise.all(brokers.map((broker) => broker.stop(STOP_TIMEOUT_MS)));
    await zooKeeper?.stop();
  }
  if (signal.aborted) say("stopped");
}

/** @throws UsageError where there is none and none can be made */
async function makeDirectory(path: string): Promise<void> {
  try {
    await createNodeDisk(path).makeDirectory("/");
  } catch (error) {
    throw new UsageError(`--data ${path} cannot be used: ${(error as Error).message}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function portsOf({ brokers, port }: StartOptions): Promise<number[]> {
  if (port + brokers - 1 > PORT_MAX) throw new UsageError(`Ports from ${port} on do not do for ${brokers} brokers.`);
  if (port > 0) return Array.from({ length: brokers }, (_, index) => port + index);
  return await Promise.all(Array.from({ length: brokers }, freePort));
}

/** Its configs are in a file, by which a broker that has ended can be started again: `ottla broker --config FILE`. */
function startBroker(
  options: StartOptions,
  data: string,
  connect: string,
  id: number,
  port: number,
): SupervisedProcess {
  const racks = options.racks?.split(",") ?? [];
  const configFile = join(data, `broker-${id}.properties`);
  const settings = [
    ...replicationOf(options.brokers),
    ...(racks.length === 0 ? [] : [`broker.rack=${racks[(id - 1) % racks.length]}`]),
    ...(options.set ?? []),
    `node.id=${id}`,
    `listeners=PLAINTEXT://localhost:${port}`,
    `log.dirs=${join(data, `broker-${id}`)}`,
    `zookeeper.connect=${connect}`,
  ];
  writeFileSync(configFile, settings.map((setting) => `${setting.replaceAll("\\", "\\\\")}\n`).join(""));
  return new SupervisedProcess({
    name: `broker ${id}`,
    command: process.execPath,
    args: [process.argv[1]!, "broker", "--config", configFile],
    logFile: join(data, `broker-${id}.log`),
    hasChannel: true,
  });
}

/** Three replicas, of which two must have what is acknowledged, where there are brokers enough. */
function replicationOf(brokers: number): string[] {
  const replicas = Math.min(brokers, REPLICAS_MAX);
  const inSync = Math.max(1, replicas - 1);
  return [
    `default.replication.factor=${replicas}`,
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.replication.factor=${replicas}`,
    `min.insync.replicas=${inSync}`,
    `transaction.state.log.min.isr=${inSync}`,
  ];
}

/** Whether all brokers serve; false when it was interrupted before. @throws Error when a broker does not start */
async function untilReady(brokers: readonly SupervisedProcess[], signal: AbortSignal): Promise<boolean> {
  const ready = Promise.all(
    brokers.map(async (broker) => {
      const line = await broker.line(/^ready .*$/m);
      say(`${broker.name} (pid ${broker.pid}): ${line.replace(/^ready /, "")}`);
    }),
  ).then(() => true);
  // Interrupted, nobody waits for it any more.
  ready.catch(() => {});
  return await Promise.race([ready, aborted(signal).then(() => false)]);
}

/** Until it is interrupted; the end of a process is told of, and that of the last broker is the end of it all. */
async function untilOver(
  processes: readonly RunningProcess[],
  brokers: readonly SupervisedProcess[],
  signal: AbortSignal,
): Promise<void> {
  for (const each of processes) {
    void each.ended.then(() => {
      if (!signal.aborted) process.stderr.write(`ottla: ${each.name} ended ${each.end}: ${each.lastWords}\n`);
    });
  }
  const allEnded = Promise.all(brokers.map(({ ended }) => ended)).then(() => {
    if (!signal.aborted) process.exitCode = EXIT_FAILED;
  });
  await Promise.race([allEnded, aborted(signal)]);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resume) => signal.addEventListener("abort", () => resume(), { once: true }));
}
