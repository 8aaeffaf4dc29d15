// `npm test`: everything a change must pass, with one summary at the end.
//   --deep         the long forms of tests that have a short one (seeds, faults, soak)
//   --no-e2e       leaves the end-to-end tests out (for a quick look; CI never uses it)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const deep = process.argv.includes("--deep");
const withE2e = !process.argv.includes("--no-e2e");
const DEEP = {
  OTTLA_TEST_DEEP: "1",
  OTTLA_TEST_SEEDS: "500",
  OTTLA_TEST_RUNS: "1000",
  OTTLA_TEST_FAULT_ROUNDS: "40",
};
/** Siblings are loaded as they are built, which they are before any test begins: see tools/vitest/shared.ts. */
const AS_BUILT = { OTTLA_TEST_AS_BUILT: "1" };
/** Nx's own plugins in its process: three more take a second. */
const NX = { NX_DAEMON: "false", NX_ISOLATE_PLUGINS: "false" };
const environment = { ...(deep && DEEP), ...process.env, ...NX, ...AS_BUILT };

/** Runs one command, and says whether it passed. Its output is shown as it comes; that of one `isBeside` another at its end. */
async function check(name, program, args, { isBeside = false } = {}) {
  const startedMs = Date.now();
  const title = `\n> ${name}\n`;
  if (!isBeside) process.stdout.write(title);
  const child = spawn(program, args, { stdio: isBeside ? "pipe" : "inherit", env: environment });
  let output = title;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const [status] = await once(child, "close").catch((error) => {
    console.error(error.message);
    return [null];
  });
  if (isBeside) process.stdout.write(output);
  console.log(`${status === 0 ? "passed" : "FAILED"}: ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
  return { name, passed: status === 0 };
}

/** A command of a package that is installed here: by `npx` it would take half a second more. */
const command = (name) => join("node_modules/.bin", name);

const nx = (name, args, options) => check(name, command("nx"), [...args, "--output-style=static"], options);

/** Every project's vitest report: the workspaces that have a `test` or `e2e` script. */
function readReports() {
  const projects = ["libs", "apps", "tools", "examples"].flatMap((group) =>
    readdirSync(group).map((name) => join(group, name)),
  );
  if (withE2e) projects.push("e2e");
  return projects
    .map((project) => ({ project, file: join(project, ".test-results/vitest.json") }))
    .filter(({ project, file }) => existsSync(file) && existsSync(join(project, "package.json")))
    .map(({ project, file }) => ({ project, report: JSON.parse(readFileSync(file, "utf8")) }));
}

/** The first lines of each failure: who sees only the end of the output has the reason too. */
function whyItFailed({ failureMessages }) {
  const lines = failureMessages.flatMap((message) => stripVTControlCharacters(message).split("\n").slice(0, 6));
  return lines.map((line) => `\n    ${line}`).join("");
}

function summarize(checks) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const named = { failed: [], skipped: [] };
  console.log("\nTests by project:");
  for (const { project, report } of readReports()) {
    const tests = report.testResults.flatMap((file) => file.assertionResults);
    const brokenFiles = report.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    );
    const counts = { passed: 0, failed: brokenFiles.length, skipped: 0 };
    for (const test of tests) {
      const outcome = test.status === "passed" || test.status === "failed" ? test.status : "skipped";
      counts[outcome]++;
      if (outcome === "skipped") named.skipped.push(`${project}: ${test.fullName}`);
      if (outcome === "failed") named.failed.push(`${project}: ${test.fullName}${whyItFailed(test)}`);
    }
    for (const file of brokenFiles) named.failed.push(`${project}: ${file.name}: ${file.message}`);
    for (const outcome of Object.keys(totals)) totals[outcome] += counts[outcome];
    console.log(`  ${project}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
  for (const { name, passed } of checks) {
    if (passed) totals.passed++;
    else {
      totals.failed++;
      named.failed.push(`check: ${name}`);
    }
  }
  for (const name of named.skipped) console.log(`SKIPPED ${name}`);
  for (const name of named.failed) console.log(`FAILED ${name}`);
  return totals;
}

/** What takes little, or waits for the network (and then tells what for), beside the compiler, which leaves a core free. */
async function smallChecks() {
  const beside = { isBeside: true };
  const layers = ["--config", "tools/layers/dependency-cruiser.mjs", "libs", "apps"];
  const checks = [
    await check("format and lint", command("biome"), ["check", "--error-on-warnings", "."], beside),
    await check("layers and cycles", command("depcruise"), layers, beside),
  ];
  if (withE2e) {
    const fetch = ["tools/fetch/external-programs.mjs"];
    checks.push(await check("programs for the end-to-end tests", process.execPath, fetch));
  }
  return checks;
}

/** All is built once, before: two runs of Nx would each put `dist` in its place again, under the other's tests. */
const WITHOUT_BUILDS = "--excludeTaskDependencies";

/** Tests of one project, while others run. */
const testBeside = (name) =>
  nx(`unit and integration tests: ${name}`, ["run", `${name}:test`, WITHOUT_BUILDS], { isBeside: true });

/** What is more than compiled: the compiler has written all else when it checked the types. */
const bundle = () => nx("bundles", ["run-many", "-t", "build", "-p", "@ottla/console,ottla", WITHOUT_BUILDS]);

/**
 * The bundles, and all tests in the projects themselves. Those that take longest begin first: Nx would begin with what others
 * depend on, and have these alone at the end, with a core that does nothing. The simulations need no bundle.
 */
async function bundleAndTest() {
  const simulations = testBeside("@ottla/testing");
  const bundles = await bundle();
  const others = ["run-many", "-t", "test", "--exclude", "@ottla/testing,@ottla/checks", WITHOUT_BUILDS];
  const tests = [testBeside("@ottla/checks"), nx("unit and integration tests", others), simulations];
  return [bundles, ...(await Promise.all(tests))];
}

const [types, others] = await Promise.all([check("types", "npm", ["run", "typecheck"]), smallChecks()]);
const checks = [...others, types, ...(await bundleAndTest())];
if (withE2e) checks.push(await nx("end-to-end tests", ["run", "@ottla/e2e:e2e", WITHOUT_BUILDS]));
if (deep)
  checks.push(
    await check("the cluster's simulation goes the same way on Node.js 20 and 24", process.execPath, [
      ...["tools/test/node-versions.mjs", "--traces", "20", "24"],
    ]),
  );
const { passed, failed, skipped } = summarize(checks);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
