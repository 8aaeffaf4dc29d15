// Apache Kafka's classes in a file that Java maps (class-data sharing), as a broker has loaded them that started and
// created a topic: its brokers and tools start with half of the work. Java uses it where it fits Java and the jars.
//   node tools/fetch/kafka-archive.mjs JAVA CLASS_PATH ARCHIVE
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

/** For each step: it takes seconds. */
const TIMEOUT_MS = 60_000;

const [java, classPath, archive] = process.argv.slice(2);
const directory = await mkdtemp(join(tmpdir(), "kafka-archive-"));
/** The archive gets its name when it is whole: half of one would be taken for it from then on. */
const unfinished = `${archive}.${process.pid}`;
const run = (...args) => promisify(execFile)(java, ["-cp", classPath, ...args], { timeout: TIMEOUT_MS });

async function freePort() {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

try {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(directory, "server.properties");
  const settings = [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@localhost:${controllerPort}`,
    `listeners=PLAINTEXT://localhost:${port},CONTROLLER://localhost:${controllerPort}`,
    "controller.listener.names=CONTROLLER",
    `log.dirs=${join(directory, "logs")}`,
  ];
  await writeFile(properties, settings.join("\n"));
  await run("kafka.tools.StorageTool", "format", "--config", properties, "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qg");
  const flags = [`-XX:ArchiveClassesAtExit=${unfinished}`, "-cp", classPath];
  const broker = spawn(java, [...flags, "kafka.Kafka", properties], { stdio: "ignore" });
  const ended = once(broker, "exit");
  try {
    const topic = ["--bootstrap-server", `localhost:${port}`, "--create", "--topic", "any"];
    await run("org.apache.kafka.tools.TopicCommand", ...topic);
    broker.kill("SIGTERM"); // in good order: only so is the archive written
    await Promise.race([ended, setTimeout(TIMEOUT_MS, null, { ref: false })]);
  } finally {
    broker.kill("SIGKILL");
    await ended;
  }
  await rename(unfinished, archive);
} finally {
  await rm(unfinished, { force: true });
  await rm(directory, { recursive: true, force: true });
}
