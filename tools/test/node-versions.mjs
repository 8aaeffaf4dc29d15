// Runs the unit and integration tests on every supported version of Node.js. npm has them as packages.
//   node tools/test/node-versions.mjs [20 22 24]
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { cacheDirectory } from "../fetch/external-programs.mjs";

const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ["20", "22", "24"];
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

let failed = 0;
for (const version of versions) {
  const node = nodeBinary(version);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  console.log(`\n== Node.js ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);
  for (const project of projects) {
    const { status } = spawnSync(node, [vitest, "run", "--reporter=dot"], { cwd: project, stdio: "inherit", env });
    if (status !== 0) failed++;
    console.log(`${status === 0 ? "passed" : "FAILED"}: ${project} on Node.js ${version}`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
