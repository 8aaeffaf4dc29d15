// Bundles the `ottla` command: dist/main.js and all that it imports become a few files in dist/command/. Loading some 400
// modules one by one is most of what a start takes (docs/decisions/0015-the-command-is-a-bundle.md).
//   node scripts/bundle.mjs [--if-stale]     needs `tsc -b tsconfig.lib.json` first
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = join(root, "dist/command");
const entry = join(directory, "ottla.js");
const brokerApp = dirname(fileURLToPath(import.meta.resolve("@ottla/broker-app/package.json")));

/** Native accelerators: found at run time or done without. */
const OPTIONAL_NATIVE = ["@node-rs/crc32", "bufferutil", "lz4-napi", "snappy", "utf-8-validate"];

/** CommonJS packages in the bundle `require` modules of Node.js, and every ES module needs that function made. */
const REQUIRE =
  'import { createRequire as createRequireOfBundle } from "node:module";\n' +
  "const require = createRequireOfBundle(import.meta.url);";

async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: {
      ottla: join(root, "dist/main.js"),
      // Threads of the broker, started by their files' names.
      "compaction-worker": join(brokerApp, "dist/compaction-worker.js"),
      "preparation-worker": join(brokerApp, "dist/preparation-worker.js"),
    },
    outdir: directory,
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: OPTIONAL_NATIVE,
    banner: { js: REQUIRE },
    // Names and lines stay readable in stack traces; smaller code does not start measurably faster.
    minify: false,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const licenses = {
    path: join(directory, "THIRD-PARTY-LICENSES.txt"),
    contents: licensesOf(Object.keys(metafile.inputs)),
  };
  replaceFiles([licenses, ...outputFiles]);
}

/** The licenses of the packages in the bundle, which ask to be passed on with the code. */
function licensesOf(inputs) {
  const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []));
  return [...packages].map((path) => licenseOf(resolve(root, path))).join(`\n\n${"-".repeat(80)}\n\n`);
}

function licenseOf(packageDirectory) {
  const { name, version, license } = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8"));
  const file = readdirSync(packageDirectory).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? `License: ${license}` : readFileSync(join(packageDirectory, file), "utf8");
  return `${name} ${version}\n\n${text.trim()}\n`;
}

/** Chunks have names by content: a process that starts meanwhile finds the old set or the new one, the entry comes last. */
function replaceFiles(files) {
  mkdirSync(directory, { recursive: true });
  const entryLast = [...files].sort((a, b) => Number(a.path === entry) - Number(b.path === entry));
  for (const { path, contents } of entryLast) writeFileSync(path, contents);
  const current = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(directory)) if (!current.has(name)) rmSync(join(directory, name));
}

/** Whether any compiled file of the repository is younger than the bundle. */
function isStale() {
  const bundledMs = modifiedMs(entry);
  const repository = dirname(dirname(root));
  const outputs = ["libs", "apps"].flatMap((group) =>
    readdirSync(join(repository, group)).map((name) => join(repository, group, name, "dist")),
  );
  return outputs.some((output) => compiledFiles(output).some((file) => modifiedMs(file) > bundledMs));
}

function compiledFiles(output) {
  try {
    const names = readdirSync(output, { recursive: true });
    return names.filter((name) => name.endsWith(".js")).map((name) => join(output, name));
  } catch {
    return [];
  }
}

function modifiedMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (!process.argv.includes("--if-stale") || isStale()) await bundle();
