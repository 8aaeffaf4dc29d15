// Runs the unit and integration tests, and the examples', on every supported version of Node.js. npm has them as packages.
//   node tools/test/node-versions.mjs [20 22 24]
//   node tools/test/node-versions.mjs --traces [20 22 24]     only whether the cluster's simulation goes the same way on all
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { cacheDirectory } from "../fetch/external-programs.mjs";

const isTracesOnly = process.argv.includes("--traces");
const named = process.argv.slice(2).filter((word) => word !== "--traces");
const versions = named.length > 0 ? named : ["20", "22", "24"];
const vitest = resolve("node_modules/vitest/vitest.mjs");

/** The binary of that version: npm has one package per platform. It is installed at the first use. */
function nodeBinary(version) {
  const packageName = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const directory = join(cacheDirectory, `node-${version}`);
  const binary = join(directory, "node_modules", packageName, "bin/node");
  if (!existsSync(binary)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "package.json"), '{ "private": true }\n');
    execFileSync("npm", ["install", "--no-save", `${packageName}@${version}`], { cwd: directory, stdio: "inherit" });
  }
  return binary;
}

const projects = ["libs", "apps", "tools"]
  .flatMap((group) => readdirSync(group).map((name) => join(group, name)))
  .filter((project) => existsSync(join(project, "vitest.config.ts")));
projects.push("e2e");
/** Each of them has a test command of its own. */
const examples = readdirSync("examples")
  .map((name) => join("examples", name))
  .filter((example) => hasTests(join(example, "package.json")));

function hasTests(manifest) {
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).scripts?.test !== undefined;
}

/** The hash of all that happens in one run of the cluster's simulation. */
function traceOn(node, env) {
  // Without its report: that of all tests of the project is looked at later.
  const args = ["run", "src/simulation/cluster/cluster.simulation", "-t", "the same seed", "--reporter=default"];
  const { stdout } = spawnSync(node, [vitest, ...args], { cwd: "libs/testing", encoding: "utf8", env });
  return /trace of seed \d+: (\w+)/.exec(stdout)?.[1] ?? "no trace";
}

const traces = new Map();
let failed = 0;
for (const version of versions) {
  const node = nodeBinary(version);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  console.log(`\n== Node.js ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);
  traces.set(version, traceOn(node, env));
  console.log(`trace of the simulation: ${traces.get(version)}`);
  for (const project of isTracesOnly ? [] : projects) {
    const { status } = spawnSync(node, [vitest, "run", "--reporter=dot"], { cwd: project, stdio: "inherit", env });
    if (status !== 0) failed++;
    console.log(`${status === 0 ? "passed" : "FAILED"}: ${project} on Node.js ${version}`);
  }
  for (const example of isTracesOnly ? [] : examples) {
    const { status } = spawnSync("npm", ["test", "--silent"], { cwd: example, stdio: "inherit", env });
    if (status !== 0) failed++;
    console.log(`${status === 0 ? "passed" : "FAILED"}: ${example} on Node.js ${version}`);
  }
}
if (new Set(traces.values()).size > 1 || [...traces.values()].includes("no trace")) {
  failed++;
  console.log("FAILED: the same seed goes another way on another version of Node.js");
}
process.exitCode = failed === 0 ? 0 : 1;
