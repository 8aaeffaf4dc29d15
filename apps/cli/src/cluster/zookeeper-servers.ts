import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { freePort } from "@ottla/transport/node";
import { UsageError } from "../exit.ts";
import { LeftProcess } from "./left-process.ts";
import { type RunningProcess, SupervisedProcess } from "./supervised-process.ts";

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
const JAVA_OPTIONS = [
  "-Xmx256m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-Dzookeeper.admin.enableServer=false",
];

interface Server {
  readonly id: number;
  readonly directory: string;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
}

/** ZooKeeper servers as processes of this machine. Their ports and data stay the same from start to start. */
export class ZooKeeperServers {
  readonly connect: string;
  readonly #processes: readonly RunningProcess[];

  private constructor(connect: string, processes: readonly RunningProcess[]) {
    this.connect = connect;
    this.#processes = processes;
  }

  /**
   * Starts them, and waits until they serve.
   * @throws UsageError where Java or the jars are missing; Error when a server does not start
   */
  static async start(directory: string, count: number, jars: string | undefined): Promise<ZooKeeperServers> {
    if (count % 2 === 0) throw new UsageError("--zookeeper-servers must be odd: a majority decides.");
    const classPath = join(findJars(jars), "*");
    requireJava();
    const servers = await Promise.all(Array.from({ length: count }, (_, index) => serverIn(directory, index + 1)));
    const processes: RunningProcess[] = [];
    for (const server of servers) {
      processes.push((await leftRunning(server)) ?? launch(server, servers, classPath, directory));
    }
    const ensemble = new ZooKeeperServers(
      servers.map(({ clientPort }) => `localhost:${clientPort}`).join(","),
      processes,
    );
    try {
      await Promise.all(servers.map(({ clientPort }, index) => untilServing(clientPort, processes[index]!)));
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  get processes(): readonly RunningProcess[] {
    return this.#processes;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((server) => server.stop(STOP_TIMEOUT_MS)));
  }
}

/** A directory with ZooKeeper's jars. */
function findJars(given: string | undefined): string {
  const home = process.env.ZOOKEEPER_HOME;
  const places = [
    ...(given === undefined ? [] : [given]),
    ...(home === undefined ? [] : [join(home, "lib"), home]),
    ...entriesOf(".cache")
      .filter((name) => name.startsWith("zookeeper-"))
      .map((name) => join(".cache", name)),
  ];
  const found = places.find((place) => entriesOf(place).some((name) => /^zookeeper-\d.*\.jar$/.test(name)));
  if (found !== undefined) return resolve(found);
  throw new UsageError(
    "A cluster keeps its metadata in ZooKeeper, and there are no jars of it here: give --zookeeper host:port of one that runs, or unpack Apache ZooKeeper and set ZOOKEEPER_HOME (in a checkout of Ottla: node tools/fetch/external-programs.mjs).",
  );
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function requireJava(): void {
  if (spawnSync("java", ["-version"], { stdio: "ignore" }).status === 0) return;
  throw new UsageError("ZooKeeper needs Java, and there is no `java` here: install it, or give --zookeeper host:port.");
}

/** What a server was told at its first start, else with free ports. */
async function serverIn(directory: string, id: number): Promise<Server> {
  const own = join(directory, `zookeeper-${id}`);
  mkdirSync(own, { recursive: true });
  const file = join(own, "ports.json");
  try {
    return { id, directory: own, ...JSON.parse(readFileSync(file, "utf8")) };
  } catch {
    const ports = { clientPort: await freePort(), quorumPort: await freePort(), electionPort: await freePort() };
    writeFileSync(file, JSON.stringify(ports));
    return { id, directory: own, ...ports };
  }
}

function launch(server: Server, servers: readonly Server[], classPath: string, directory: string): SupervisedProcess {
  writeConfig(server, servers);
  const started = new SupervisedProcess({
    name: nameOf(server),
    command: "java",
    args: [...JAVA_OPTIONS, "-cp", classPath, MAIN, join(server.directory, "zoo.cfg")],
    logFile: join(directory, `zookeeper-${server.id}.log`),
  });
  writeFileSync(pidFileOf(server), String(started.pid ?? ""));
  return started;
}

function nameOf({ id }: Server): string {
  return `ZooKeeper server ${id}`;
}

function pidFileOf({ directory }: Server): string {
  return join(directory, "pid");
}

/**
 * The server of an earlier start that was killed, if it still runs: it goes on as this one's, for two servers on one
 * directory would destroy it. Null where there is none.
 * @throws Error where somebody else has the port
 */
async function leftRunning(server: Server): Promise<RunningProcess | null> {
  const { clientPort } = server;
  if ((await ask(clientPort, "srvr")) === null) return null;
  const left = LeftProcess.find(nameOf(server), pidFileOf(server));
  if (left !== null) return left;
  throw new Error(`port ${clientPort} of ${nameOf(server)} is in use by something else; end that first`);
}

function writeConfig({ id, directory, clientPort }: Server, servers: readonly Server[]): void {
  const quorum = servers.map((each) => `server.${each.id}=localhost:${each.quorumPort}:${each.electionPort}`);
  writeFileSync(join(directory, "myid"), String(id));
  const lines = [
    "tickTime=500",
    "initLimit=20",
    "syncLimit=10",
    `dataDir=${directory}`,
    "clientPortAddress=localhost",
    `clientPort=${clientPort}`,
    "4lw.commands.whitelist=srvr",
    "maxClientCnxns=0",
    "autopurge.snapRetainCount=3",
    "autopurge.purgeInterval=1",
    ...(servers.length > 1 ? quorum : []),
  ];
  writeFileSync(join(directory, "zoo.cfg"), `${lines.join("\n")}\n`);
}

async function untilServing(port: number, server: RunningProcess): Promise<void> {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    if ((await ask(port, "srvr"))?.includes("Mode:")) return;
    if (!server.isRunning) throw new Error(`${server.name} did not start: ${server.lastWords}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new Error(`${server.name} does not serve after ${READY_TIMEOUT_MS / 1_000} s`);
}

/** The answer to a four-letter word; null where nobody listens. */
function ask(port: number, word: string): Promise<string | null> {
  return new Promise((resume) => {
    let answer: string | null = null;
    const socket = connect({ host: "localhost", port }, () => {
      answer = "";
      socket.write(word);
    });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += String(chunk);
    });
    socket.on("error", () => {});
    socket.on("close", () => resume(answer));
  });
}
