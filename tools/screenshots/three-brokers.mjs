// Three brokers on ZooKeeper, one of which has died: what the view of a cluster is for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { externalPrograms } from "../fetch/external-programs.mjs";

const OTTLA = fileURLToPath(new URL("../../apps/cli/bin/ottla.cjs", import.meta.url));
const BROKER_IDS = [1, 2, 3];
const SETTINGS = [
  "zookeeper.session.timeout.ms=2000",
  "broker.session.timeout.ms=3000",
  "broker.heartbeat.interval.ms=300",
];

/** Null without Java or ZooKeeper's jars. */
export async function threeBrokers() {
  const [java, jars] = [externalPrograms.java.find(), externalPrograms.zooKeeperJars.find()];
  if (java === null || jars === null) return null;
  const directory = await mkdtemp(join(tmpdir(), "ottla-pictures-"));
  const zooKeeperPort = await freePort();
  const configFile = join(directory, "zoo.cfg");
  await writeFile(configFile, `tickTime=200\ndataDir=${join(directory, "zookeeper")}\nclientPort=${zooKeeperPort}\n`);
  const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
  const quiet = "-Dzookeeper.admin.enableServer=false";
  const children = [spawn(java, [quiet, "-cp", jars, main, configFile], { stdio: "ignore" })];
  const ports = await Promise.all(BROKER_IDS.map(() => freePort()));
  const brokers = BROKER_IDS.map((id, index) => {
    const settings = [`node.id=${id}`, `zookeeper.connect=127.0.0.1:${zooKeeperPort}`, ...SETTINGS];
    const args = [OTTLA, "broker", "--port", String(ports[index]), "--data", join(directory, String(id))];
    return spawn(process.execPath, [...args, ...settings.flatMap((each) => ["--set", each])], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  });
  children.push(...brokers);
  await Promise.all(brokers.map(untilReady));
  const bootstrapServers = ports.map((port) => `localhost:${port}`).join();
  await fill(bootstrapServers);
  brokers[2].kill("SIGKILL");
  return {
    port: ports[0],
    async close() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function fill(bootstrapServers) {
  const admin = new Admin({ bootstrapServers });
  await admin.createTopics([
    { name: "orders", assignments: BROKER_IDS.map((id) => [id, (id % 3) + 1]) },
    { name: "payments", assignments: [[1, 2, 3]] },
  ]);
  await admin.close();
  const producer = new Producer({ bootstrapServers });
  const records = Array.from({ length: 3_000 }, (_, n) => ({
    topic: n % 4 === 0 ? "payments" : "orders",
    value: "x".repeat(500),
  }));
  await producer.send(records);
  await producer.close();
}

function untilReady(broker) {
  return new Promise((resolve, reject) => {
    broker.once("exit", () => reject(new Error("a broker did not start")));
    broker.stdout.on("data", (chunk) => {
      if (/^ready /m.test(String(chunk))) resolve();
    });
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
