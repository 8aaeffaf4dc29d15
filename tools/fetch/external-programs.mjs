// The programs that other people wrote and that the end-to-end tests drive: where each is found, and how it is got.
// Only ordinary package clients are used (apt-get, mvn, pip, go). What cannot be got is reported; its tests are then skipped by name.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
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

/** Jars with all that they depend on, copied by Maven: `tools/fetch/POM/pom.xml` says which. Found as a class path. */
function jars(pom, directoryName, markerJar, ...mavenArguments) {
  const directory = join(cacheDirectory, directoryName);
  return {
    find: () => (existsSync(join(directory, markerJar)) ? join(directory, "*") : null),
    get: () => {
      const maven = onPath("mvn");
      if (maven === null) throw new Error("needs Maven (mvn)");
      const file = join(repositoryRoot, "tools/fetch", pom, "pom.xml");
      const args = ["-q", "-B", "-f", file, "dependency:copy-dependencies", `-DoutputDirectory=${directory}`];
      execFileSync(maven, [...args, ...mavenArguments], { stdio: "pipe" });
    },
  };
}

/** Apache Kafka's jars of one version: broker, clients and command-line tools. */
function kafkaJars(version) {
  return jars("kafka", `kafka-${version}`, `kafka_2.13-${version}.jar`, `-Dkafka.version=${version}`);
}

const kafkaDirectory = join(cacheDirectory, `kafka-${KAFKA_VERSION}`);
const archiveFile = join(kafkaDirectory, "classes.jsa");
/** The newest one's classes, as Java maps them: made again where the jars or Java came after it. */
const kafkaArchive = {
  find: () => {
    const [java, jar] = [onPath("java"), join(kafkaDirectory, `kafka_2.13-${KAFKA_VERSION}.jar`)];
    if (![java, jar, archiveFile].every((path) => path !== null && existsSync(path))) return null;
    // Java's files have the times of whoever packed them, but for when they were installed.
    const latestMs = Math.max(statSync(java).ctimeMs, statSync(jar).mtimeMs);
    return latestMs < statSync(archiveFile).mtimeMs ? archiveFile : null;
  },
  get: () => {
    const [java, classPath] = [onPath("java"), externalPrograms.kafkaJars.find()];
    if (java === null || classPath === null) throw new Error("needs Java and Apache Kafka's jars");
    const program = join(repositoryRoot, "tools/fetch/kafka-archive.mjs");
    execFileSync(process.execPath, [program, java, classPath, archiveFile], { stdio: "pipe" });
  },
};

/** Packages of PyPI in a directory of their own (a PYTHONPATH): wheels only, nothing is compiled. */
function pythonPackages(directoryName, markerPackage, ...requirements) {
  const directory = join(cacheDirectory, directoryName);
  return {
    find: () => (existsSync(join(directory, markerPackage)) && onPath("python3") ? directory : null),
    get: () => {
      const python = onPath("python3");
      if (python === null) throw new Error("needs Python 3 with pip");
      const args = ["-m", "pip", "install", "-q", "--only-binary", ":all:", "--target", directory];
      execFileSync(python, [...args, ...requirements], { stdio: "pipe" });
    },
  };
}

/** The small program on franz-go: the Go toolchain fetches the modules of its go.mod and builds it. */
const franzGoSource = join(repositoryRoot, "e2e/src/programs/franz-go");
const franzGoBinary = join(cacheDirectory, "franz-go", "program");
const franzGo = {
  find: () => {
    if (!existsSync(franzGoBinary)) return null;
    const builtMs = statSync(franzGoBinary).mtimeMs;
    const isFresh = readdirSync(franzGoSource).every((file) => statSync(join(franzGoSource, file)).mtimeMs < builtMs);
    return isFresh ? franzGoBinary : null;
  },
  get: () => {
    const go = onPath("go");
    if (go === null) throw new Error("needs Go (go)");
    execFileSync(go, ["build", "-o", franzGoBinary, "."], { cwd: franzGoSource, stdio: "pipe" });
  },
};

/** librdkafka's client for Node.js, an add-on: as it was built for this machine, or else from its sources, which takes minutes. */
const confluentDirectory = join(cacheDirectory, "confluent-kafka-javascript");
const confluentPackage = join(confluentDirectory, "node_modules/@confluentinc/kafka-javascript");
const confluentClient = {
  find: () =>
    existsSync(join(confluentPackage, "build/Release/confluent-kafka-javascript.node")) ? confluentPackage : null,
  get: () => {
    mkdirSync(confluentDirectory, { recursive: true });
    const install = ["install", "--no-save", "--ignore-scripts", "--prefix", confluentDirectory];
    execFileSync("npm", [...install, "@confluentinc/kafka-javascript@1.10.1"], { stdio: "pipe" });
    const nodePreGyp = (argument, variables = {}) =>
      execFileSync("npm", ["exec", "--prefix", confluentDirectory, "-c", `node-pre-gyp install ${argument}`], {
        cwd: confluentPackage,
        stdio: "pipe",
        env: { ...process.env, ...variables },
      });
    try {
      nodePreGyp("--fallback-to-build=false");
    } catch {
      installDebianPackages("g++", "make", "zlib1g-dev", "libssl-dev", "libzstd-dev", "libcurl4-openssl-dev");
      nodePreGyp("--build-from-source", { CKJS_LINKING: "dynamic", ...nodeHeaders() });
    }
  },
};

/** Where this Node.js came with its headers they need no download. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, "include/node/node.h")) ? { npm_config_nodedir: prefix } : {};
}

/** Rivals that the benchmark alone asks for: got by `--benchmark`. */
export const benchmarkPrograms = { confluentClient };

/** name -> how to find it (null when absent) and how to get it (throws when that is not possible here). */
export const externalPrograms = {
  kcat: { find: () => onPath("kcat", "kafkacat"), get: () => installDebianPackages("kcat") },
  chromium: {
    find: () => process.env.OTTLA_CHROMIUM ?? onPath("chromium", "chromium-browser", "google-chrome"),
    get: () => installDebianPackages("chromium"),
  },
  // With its compiler, for the tests' own programs.
  java: { find: () => onPath("javac") && onPath("java"), get: () => installDebianPackages("default-jdk-headless") },
  maven: { find: () => onPath("mvn"), get: () => installDebianPackages("maven") },
  kafkaJars: kafkaJars(KAFKA_VERSION),
  kafkaArchive,
  kafka3Jars: kafkaJars(KAFKA_3_VERSION),
  kafkaAppsJars: jars("kafka-apps", `kafka-apps-${KAFKA_VERSION}`, `kafka-streams-${KAFKA_VERSION}.jar`),
  // librdkafka of today, in the wheel of its Python client: Debian's kcat has one that is years old.
  librdkafka: pythonPackages("librdkafka", "confluent_kafka", "--no-deps", "confluent-kafka==2.16.1"),
  aiokafka: pythonPackages("aiokafka", "aiokafka", "aiokafka==0.14.0", "cramjam==2.14.0"),
  franzGo,
  tshark: { find: () => onPath("tshark"), get: () => installDebianPackages("tshark") },
  zooKeeperJars: jars("zookeeper", `zookeeper-${ZOOKEEPER_VERSION}`, `zookeeper-${ZOOKEEPER_VERSION}.jar`),
};

/** Finds every program and gets the missing ones. Returns name -> path, or null with the reason on `report`. */
export function ensureExternalPrograms(report = console.log, programs = externalPrograms) {
  const found = {};
  for (const [name, program] of Object.entries(programs)) {
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
  // `--list` prints what is there (an input of Nx's cache); without it, what is missing is fetched, with `--benchmark` the benchmark's rivals too.
  const found = process.argv.includes("--list")
    ? Object.fromEntries(Object.entries(externalPrograms).map(([name, program]) => [name, program.find()]))
    : ensureExternalPrograms(console.log, {
        ...externalPrograms,
        ...(process.argv.includes("--benchmark") && benchmarkPrograms),
      });
  for (const [name, path] of Object.entries(found)) console.log(`${name}: ${path ?? "absent"}`);
}
