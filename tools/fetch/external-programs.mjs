// The programs that other people wrote and that the end-to-end tests drive: where each is found, and how it is got.
// Only ordinary package clients are used (apt-get, mvn). What cannot be got is reported; its tests are then skipped by name.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Downloads live here, outside node_modules, so that `npm ci` keeps them. */
export const cacheDirectory = join(repositoryRoot, ".cache");
export const KAFKA_VERSION = "4.3.1";
export const ZOOKEEPER_VERSION = "3.9.3";
/** The last release line before 4.0: what many clusters still run. */
export const KAFKA_3_VERSION = "3.9.2";

function onPath(...names) {
  for (const name of names) {
    const found = spawnSync(process.platform === "win32" ? "where" : "which", [name], { encoding: "utf8" });
    if (found.status === 0) return found.stdout.trim().split("\n")[0];
  }
  return null;
}

function installDebianPackages(...packages) {
  const apt = onPath("apt-get");
  if (apt === null) throw new Error("no apt-get on this machine");
  if (process.getuid?.() !== 0) throw new Error(`needs root: sudo apt-get install ${packages.join(" ")}`);
  const options = { stdio: "pipe", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    execFileSync(apt, ["install", "-y", "--no-install-recommends", ...packages], options);
  } catch {
    execFileSync(apt, ["update"], options); // the package lists may be missing or old
    execFileSync(apt, ["install", "-y", "--no-install-recommends", ...packages], options);
  }
}

/** Apache Kafka's jars of one version: broker, clients and command-line tools. */
function kafkaJars(version) {
  const directory = join(cacheDirectory, `kafka-${version}`);
  return {
    find: () => {
      const complete = existsSync(directory) && readdirSync(directory).includes(`kafka_2.13-${version}.jar`);
      return complete ? join(directory, "*") : null;
    },
    get: () => {
      const maven = onPath("mvn");
      if (maven === null) throw new Error("needs Maven (mvn)");
      const pom = join(repositoryRoot, "tools/fetch/kafka/pom.xml");
      const args = ["dependency:copy-dependencies", `-DoutputDirectory=${directory}`, `-Dkafka.version=${version}`];
      execFileSync(maven, ["-q", "-B", "-f", pom, ...args], { stdio: "pipe" });
    },
  };
}

/** librdkafka of today, in the wheel of its Python client: Debian's kcat has one that is years old. */
const LIBRDKAFKA_PYTHON = "confluent-kafka==2.16.1";
const librdkafkaDirectory = join(cacheDirectory, "librdkafka");

const librdkafka = {
  find: () =>
    existsSync(join(librdkafkaDirectory, "confluent_kafka")) && onPath("python3") ? librdkafkaDirectory : null,
  get: () => {
    const python = onPath("python3");
    if (python === null) throw new Error("needs Python 3 with pip");
    const args = ["-m", "pip", "install", "-q", "--only-binary", ":all:", "--no-deps", "--target", librdkafkaDirectory];
    execFileSync(python, [...args, LIBRDKAFKA_PYTHON], { stdio: "pipe" });
  },
};

/** Apache ZooKeeper's server: Maven copies its jars. */
const zooKeeperDirectory = join(cacheDirectory, `zookeeper-${ZOOKEEPER_VERSION}`);
const zooKeeperJars = {
  find: () =>
    existsSync(join(zooKeeperDirectory, `zookeeper-${ZOOKEEPER_VERSION}.jar`)) ? join(zooKeeperDirectory, "*") : null,
  get: () => {
    const maven = onPath("mvn");
    if (maven === null) throw new Error("needs Maven (mvn)");
    const pom = join(repositoryRoot, "tools/fetch/zookeeper/pom.xml");
    const args = ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${zooKeeperDirectory}`];
    execFileSync(maven, args, { stdio: "pipe" });
  },
};

/** name -> how to find it (null when absent) and how to get it (throws when that is not possible here). */
export const externalPrograms = {
  kcat: { find: () => onPath("kcat", "kafkacat"), get: () => installDebianPackages("kcat") },
  chromium: {
    find: () => process.env.OTTLA_CHROMIUM ?? onPath("chromium", "chromium-browser", "google-chrome"),
    get: () => installDebianPackages("chromium"),
  },
  java: { find: () => onPath("java"), get: () => installDebianPackages("default-jre-headless") },
  maven: { find: () => onPath("mvn"), get: () => installDebianPackages("maven") },
  kafkaJars: kafkaJars(KAFKA_VERSION),
  kafka3Jars: kafkaJars(KAFKA_3_VERSION),
  librdkafka,
  zooKeeperJars,
};

/** Finds every program and gets the missing ones. Returns name -> path, or null with the reason on `report`. */
export function ensureExternalPrograms(report = console.log) {
  const found = {};
  for (const [name, program] of Object.entries(externalPrograms)) {
    found[name] = program.find();
    if (found[name] !== null) continue;
    report(`getting ${name} …`);
    try {
      program.get();
      found[name] = program.find();
    } catch (error) {
      report(`${name} is not to be had here: ${String(error.message).split("\n")[0]}`);
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // `--list` prints what is there (an input of Nx's cache); without it, what is missing is fetched.
  const found = process.argv.includes("--list")
    ? Object.fromEntries(Object.entries(externalPrograms).map(([name, program]) => [name, program.find()]))
    : ensureExternalPrograms();
  for (const [name, path] of Object.entries(found)) console.log(`${name}: ${path ?? "absent"}`);
}
