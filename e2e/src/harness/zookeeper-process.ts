import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@ottla/transport/node";
import { external, zooKeeperClassPath } from "./external.ts";
import { SHORT_LIVED_JVM } from "./java.ts";

const READY_TIMEOUT_MS = 60_000;
const TICK_MS = 200;
const WORD_TIMEOUT_MS = 500;

interface Member {
  readonly id: number;
  readonly clientPort: number;
  readonly directory: string;
  readonly configFile: string;
  child: ChildProcess | null;
}

/** A ZooKeeper ensemble of real servers, from its jars. */
export class ZooKeeperEnsemble {
  readonly #members: readonly Member[];
  readonly #directory: string;

  private constructor(members: readonly Member[], directory: string) {
    this.#members = members;
    this.#directory = directory;
  }

  static async start(servers = 1): Promise<ZooKeeperEnsemble> {
    const directory = await mkdtemp(join(tmpdir(), "zookeeper-e2e-"));
    const members: Member[] = [];
    const quorum: string[] = [];
    for (let id = 1; id <= servers; id++) {
      const memberDirectory = join(directory, String(id));
      const configFile = join(memberDirectory, "zoo.cfg");
      members.push({ id, clientPort: await freePort(), directory: memberDirectory, configFile, child: null });
      quorum.push(`server.${id}=127.0.0.1:${await freePort()}:${await freePort()}`);
    }
    for (const member of members) await writeConfig(member, servers > 1 ? quorum : []);
    const ensemble = new ZooKeeperEnsemble(members, directory);
    for (const { id } of members) ensemble.startServer(id);
    await Promise.all(members.map(waitUntilServing));
    return ensemble;
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.#members.map(({ clientPort }) => ({ host: "127.0.0.1", port: clientPort }));
  }

  startServer(id: number): void {
    if (external.java === null || zooKeeperClassPath === null) throw new Error("Java or ZooKeeper's jars are absent");
    const member = this.#member(id);
    const options = ["-Xmx128m", ...SHORT_LIVED_JVM, "-Dzookeeper.admin.enableServer=false"];
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    member.child = spawn(external.java, [...options, "-cp", zooKeeperClassPath, main, member.configFile], {
      stdio: "ignore",
    });
  }

  async killServer(id: number): Promise<void> {
    const { child } = this.#member(id);
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  get serverIds(): readonly number[] {
    return this.#members.map(({ id }) => id);
  }

  /** The server that leads the ensemble (or is all of it). */
  async leaderId(): Promise<number> {
    for (const { id, clientPort } of this.#members) {
      if (/Mode: (leader|standalone)/.test(await fourLetterWord(clientPort, "srvr"))) return id;
    }
    throw new Error("no ZooKeeper server leads");
  }

  waitForServer(id: number): Promise<void> {
    return waitUntilServing(this.#member(id));
  }

  async stop(): Promise<void> {
    for (const { id } of this.#members) await this.killServer(id);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #member(id: number): Member {
    return this.#members.find((member) => member.id === id)!;
  }
}

async function writeConfig(
  { id, clientPort, directory, configFile }: Member,
  quorum: readonly string[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "myid"), String(id));
  const lines = [
    `tickTime=${TICK_MS}`,
    "initLimit=50",
    "syncLimit=25",
    `dataDir=${directory}`,
    "clientPortAddress=127.0.0.1",
    `clientPort=${clientPort}`,
    "4lw.commands.whitelist=srvr",
    "maxClientCnxns=0",
    ...quorum,
  ];
  await writeFile(configFile, lines.join("\n"));
}

async function waitUntilServing(member: Member): Promise<void> {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    if ((await fourLetterWord(member.clientPort, "srvr")).includes("Mode:")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`ZooKeeper server ${member.id} did not serve within ${READY_TIMEOUT_MS} ms`);
}

function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(word));
    // A server that is just starting may take the connection and never answer.
    socket.setTimeout(WORD_TIMEOUT_MS, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}
