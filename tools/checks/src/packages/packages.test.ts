import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { build as buildWithVite, type Rollup } from "vite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { publishedPackages, repositoryRoot } from "../repository.ts";
import { chromiumPath, servePage } from "./chromium-page.ts";
import { dependencyTree } from "./dependency-tree.ts";
import { installedCommand, startInstalledBroker } from "./installed-broker.ts";
import { type NpxBroker, startWithNpx } from "./npx-broker.ts";
import { run } from "./run.ts";
import { createScratchProject, NO_REGISTRY, type ScratchProject, type Tarball } from "./scratch-project.ts";

/** Packages and bytes that come with an `npm install`, the optional accelerators aside. To be lowered, not raised. */
const CEILINGS: readonly (readonly [what: string, names: readonly string[], packages: number, megabytes: number])[] = [
  ["ottla (the command and the broker)", ["ottla"], 44, 17.5],
  ["the SDKs", ["@ottla/producer", "@ottla/consumer", "@ottla/admin"], 11, 6.5],
  ["@ottla/testing", ["@ottla/testing"], 18, 13.3],
];
/** Accelerators bring machine code; what has to be built or checked at the installation is listed here. */
const OPTIONAL_WITH_INSTALL_SCRIPTS = ["bufferutil"];

const packages = publishedPackages();
let project: ScratchProject;
/** Npm takes its time for this, while the other tests run. */
let npxBroker: NpxBroker;

beforeAll(async () => {
  project = await createScratchProject();
  npxBroker = await startWithNpx(project);
}, 180_000);
afterAll(async () => {
  await npxBroker?.stop();
  await project?.remove();
});

function tarballOf(name: string): Tarball {
  return project.tarballs.find((tarball) => tarball.name === name)!;
}

describe.each(packages.map(({ packageJson }) => packageJson.name))("the tarball of %s", (name) => {
  test("holds what was built, the license, the README, and nothing of the tests", () => {
    const { files } = tarballOf(name);
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    expect(files.filter((path) => path.startsWith("dist/")).length).toBeGreaterThan(0);
    const unwanted = /\.test\.|\.tsbuildinfo$|(^|\/)(test-support|testkit|golden|fixtures)\//;
    expect(files.filter((path) => unwanted.test(path))).toEqual([]);
  });

  test("has nothing that publint objects to", async () => {
    const tarball = new Uint8Array(readFileSync(tarballOf(name).path)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test("has types that resolve, for ES modules and bundlers", async () => {
    const tarball = createPackageFromTarballData(new Uint8Array(readFileSync(tarballOf(name).path)));
    const analysis = await checkPackage(tarball);
    const problems = "problems" in analysis ? analysis.problems : [];
    const relevant = problems.filter((problem) => {
      if ("resolutionKind" in problem && /^node10$|^node16-cjs$/.test(problem.resolutionKind)) return false;
      return !("entrypoint" in problem && isForRepositoryOnly(name, problem.entrypoint));
    });
    expect(relevant).toEqual([]);
  });
});

/** Entries that exist with the condition of this repository alone are none to others. */
function isForRepositoryOnly(name: string, entry: string): boolean {
  const target = packages.find(({ packageJson }) => packageJson.name === name)?.packageJson.exports?.[entry];
  return typeof target === "object" && Object.keys(target).every((condition) => condition === "@ottla/source");
}

function entriesOf({ packageJson: { name, exports = {} } }: (typeof packages)[number]): string[] {
  return Object.keys(exports)
    .filter((entry) => entry !== "./package.json" && !isForRepositoryOnly(name, entry))
    .map((entry) => name + entry.slice(1));
}

describe("a project that has installed the tarballs", () => {
  beforeEach((context) => {
    if (project.unavailable !== null) context.skip(project.unavailable);
  });

  const node = (...args: string[]) => run(process.execPath, args, project.directory);

  test("imports every entry of every package", async () => {
    const entries = packages.flatMap(entriesOf);
    expect(entries).toEqual(expect.arrayContaining(["ottla", "@ottla/producer", "@ottla/transport/node"]));
    const script = entries.map((entry) => `await import(${JSON.stringify(entry)});`).join("\n");
    expect(await node("--input-type=module", "--eval", script)).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("runs a broker in process, and the SDKs with every codec", async () => {
    expect(await node("in-process.mjs")).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("does so without the optional accelerators", async () => {
    const result = await run(process.execPath, ["in-process.mjs"], project.directory, { OTTLA_NATIVE: "off" });
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("has brokers in tests of node:test", async () => {
    const { exitCode, stdout } = await node("--test", "with-node-test.mjs");
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/pass 1\b/) });
  });

  test.each(CEILINGS)("has few and small packages of %s", (what, names, packagesMax, megabytesMax) => {
    const tree = dependencyTree(project.directory, names, { withOptional: false });
    const megabytes = tree.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1e6;
    const others = tree.filter(({ name }) => !/^(@ottla\/|ottla$)/.test(name)).map(({ name }) => name);
    console.log(`${what}: ${tree.length} packages, ${megabytes.toFixed(1)} MB; not ours: ${others.sort().join(", ")}`);
    expect(tree.length).toBeGreaterThanOrEqual(names.length);
    expect(tree.length).toBeLessThanOrEqual(packagesMax);
    expect(megabytes).toBeLessThanOrEqual(megabytesMax);
  });

  test("runs nothing at the installation", () => {
    const names = packages.map(({ packageJson }) => packageJson.name);
    const withScripts = (withOptional: boolean) =>
      dependencyTree(project.directory, names, { withOptional })
        .filter(({ installScripts }) => installScripts.length > 0)
        .map(({ name }) => name);
    expect(withScripts(false)).toEqual([]);
    expect(withScripts(true).filter((name) => !OPTIONAL_WITH_INSTALL_SCRIPTS.includes(name))).toEqual([]);
  });

  test("runs the command: version, broker, page", async () => {
    const version = await node(installedCommand(project.directory), "--version");
    expect(version).toMatchObject({ exitCode: 0, stdout: `${packages[0]!.packageJson.version}\n` });
    const broker = await startInstalledBroker(project.directory);
    try {
      const page = await fetch(`http://${broker.address}/`);
      expect(page.status).toBe(200);
      expect(await page.text()).toMatch(/<script type="module"/);
    } finally {
      expect(await broker.stop()).toBe(0);
    }
  });

  test.each([
    ["Node16", { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 }],
    ["Bundler", { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
  ])(
    "compiles a program, and the libraries' declarations, with moduleResolution %s",
    (_name, options) => {
      const host = ts.createCompilerHost({});
      const program = ts.createProgram({
        rootNames: [join(project.directory, "types.ts")],
        options: {
          ...options,
          target: ts.ScriptTarget.ES2022,
          lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          skipLibCheck: false,
          skipDefaultLibCheck: true,
          types: [],
        },
        host: { ...host, getCurrentDirectory: () => project.directory },
      });
      const diagnostics = ts.getPreEmitDiagnostics(program);
      expect(ts.formatDiagnostics(diagnostics, { ...host, getCurrentDirectory: () => project.directory })).toBe("");
    },
    60_000,
  );

  test("bundles the SDKs for a browser", async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(project.directory, "browser.js")],
      absWorkingDir: project.directory,
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      format: "esm",
      platform: "browser",
      logLevel: "silent",
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((path) => /\/src\/|node_modules\/ws\//.test(path))).toEqual([]);
    expect(outputFiles[0]!.text).not.toMatch(/["']node:/);
  });

  test("bundles them with vite too", async () => {
    const result = (await buildWithVite({
      root: project.directory,
      configFile: false,
      logLevel: "silent",
      build: { write: false, target: "es2022", rollupOptions: { input: join(project.directory, "browser.js") } },
    })) as Rollup.RollupOutput;
    const chunks = result.output.filter((file) => file.type === "chunk");
    expect(chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => /\/src\/|node_modules\/ws\//.test(id))).toEqual(
      [],
    );
    expect(chunks.length).toBeGreaterThan(1); // zstd comes when it is asked for
    for (const { code } of chunks) expect(code).not.toMatch(/["']node:|__vite-browser-external/);
  });

  describe.skipIf(chromiumPath === null)("writes and reads from a page in Chromium", () => {
    type PageGlobals = { readonly roundTrip?: (bootstrapServers: string) => Promise<RoundTrip> };
    type RoundTrip = Readonly<Record<"values" | "read" | "readAlone", string[]>> & { readonly offsets: number[] };

    const entry = () => join(project.directory, "page.js");
    const bundlers = {
      esbuild: async (outdir: string) => {
        const options = { bundle: true, minify: true, splitting: true, format: "esm", platform: "browser" } as const;
        await build({ ...options, entryPoints: [entry()], absWorkingDir: project.directory, outdir });
      },
      vite: async (outDir: string) => {
        const rollupOptions = { input: entry(), output: { entryFileNames: "page.js" } };
        const options = { root: project.directory, configFile: false, logLevel: "silent" } as const;
        await buildWithVite({ ...options, build: { outDir, target: "es2022", rollupOptions } });
      },
    };

    test.each(["esbuild", "vite"] as const)(
      "bundled by %s",
      async (bundler) => {
        const directory = join(project.directory, `page-by-${bundler}`);
        await bundlers[bundler](directory);
        const served = await servePage(directory);
        const broker = await startInstalledBroker(project.directory, "--set", `allowed.origins=${served.origin}`);
        try {
          const roundTrip = (servers: string) => (globalThis as PageGlobals).roundTrip!(servers);
          const result = await served.page.evaluate(roundTrip, `ws://${broker.address}`);
          expect(result).toMatchObject({ read: result.values, readAlone: result.values });
          expect(result.offsets).toEqual(result.values.map((_, index) => index));
          expect(served.errors).toEqual([]);
          // What this page needs was loaded when it was needed, and nothing else.
          for (const wanted of [/lz4/, /engine/]) expect(served.scripts).toContainEqual(expect.stringMatching(wanted));
          expect(
            served.scripts.filter((name) =>
              /zstd|snappy|gzip|session|record-runner|consumer-engine|other-errors/.test(name),
            ),
          ).toEqual([]);
        } finally {
          await served.close();
          await broker.stop();
        }
      },
      60_000,
    );
  });
});

test("npx starts a broker from an empty cache", async (context) => {
  if (project.unavailable !== null) context.skip(project.unavailable);
  const output = await npxBroker.output;
  if (NO_REGISTRY.test(output)) context.skip("no npm registry can be reached");
  const address = /^ready (\S+)/m.exec(output)?.[1];
  expect(address, output).toBeDefined();
  expect((await fetch(`http://${address}/ready`)).status).toBe(200);
}, 120_000);

test.each(packages.map(({ folder, packageJson }) => [packageJson.name, folder] as const))(
  "%s comes with the repository's license and a README that helps",
  async (_name, folder) => {
    const [own, license] = await Promise.all(
      [join(folder, "LICENSE"), "LICENSE"].map((path) => readFile(join(repositoryRoot, path), "utf8")),
    );
    expect(own).toBe(license);
    const readme = await readFile(join(repositoryRoot, folder, "README.md"), "utf8");
    expect(readme).toMatch(/\bstart reading\b/i);
    expect(readme).toMatch(/\bmay import\b/i);
  },
);
