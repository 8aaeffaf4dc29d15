import { execFile } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repositoryRoot } from "./repository.ts";

const FIXTURE = join(repositoryRoot, "tools/checks/fixtures/layers");

/** Runs the linter's own command on the fixture. */
function cruise(): Promise<{ exitCode: number; output: string }> {
  const binary = join(repositoryRoot, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const config = join(repositoryRoot, "tools/layers/dependency-cruiser.mjs");
  const args = [binary, "--config", config, "--output-type", "err", "libs", "apps"];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1" };
    execFile(process.execPath, args, { cwd: FIXTURE, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === "") return reject(new Error(stderr));
      resolve({ exitCode: typeof error?.code === "number" ? error.code : 0, output: stdout });
    });
  });
}

let cruised: Awaited<ReturnType<typeof cruise>>;

beforeAll(async () => {
  cruised = await cruise();
}, 60_000);

test("each forbidden import is caught, and nothing that is allowed", () => {
  const found = [...cruised.output.matchAll(/^\s*(?:error|warn|info) (\S+: \S+)/gm)].map(([, violation]) => violation);
  expect([...new Set(found)].sort()).toEqual([
    "doors: libs/metadata/src/index.ts",
    "imports-of-apps-cli: apps/cli/src/index.ts",
    "imports-of-libs-broker: libs/broker/src/replication.ts",
    "imports-of-libs-client: libs/client/src/index.ts",
    "imports-of-libs-consumer: libs/consumer/src/index.ts",
    "imports-of-libs-producer: libs/producer/src/index.ts",
    "imports-of-libs-storage: libs/storage/src/index.ts",
    "no-cycles: libs/coordinator/src/first.ts",
    "node-entries: libs/runtime/src/index.ts",
    "package-lz4js: libs/admin/src/index.ts",
    "package-murmurhash-js: libs/admin/src/index.ts",
    "package-ws: libs/admin/src/index.ts",
    "package-zod: libs/admin/src/index.ts",
    "resolvable: libs/protocol/src/missing.ts",
    "runtime-neutral: libs/runtime/src/clock.ts",
  ]);
});

test("the linter fails when a rule is broken", () => {
  const { exitCode, output } = cruised;
  expect(exitCode).toBeGreaterThan(0);
  expect(output).toContain("error imports-of-libs-storage: libs/storage/src/index.ts → libs/transport/src/index.ts");
});
