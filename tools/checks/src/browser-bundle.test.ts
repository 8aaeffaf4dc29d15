import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { describe, expect, test } from "vitest";
import { neutralLibs, repositoryRoot } from "./repository.ts";

interface Bundle {
  readonly code: string;
  readonly inputs: Metafile["inputs"];
}

/** The bundler replaces these where they are globals, and only there: a method or a string of that name is fine. */
const FOREIGN_GLOBALS = Object.fromEntries(
  ["Buffer", "process", "__dirname", "__filename", "global"].map((name) => [name, `FOREIGN_${name}`]),
);

/** Bundles one door of a lib for the browser, from source, as an application's bundler would from `dist`. */
async function bundle(entry: string): Promise<Bundle> {
  const result = await build({
    entryPoints: [join(repositoryRoot, entry)],
    absWorkingDir: repositoryRoot,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["@ottla/source"],
    legalComments: "none",
    minifyWhitespace: true,
    define: FOREIGN_GLOBALS,
    logLevel: "silent",
  });
  return { code: result.outputFiles[0]!.text, inputs: result.metafile.inputs };
}

/** What a page does not have, or may forbid. */
const FOREIGN = [
  { name: "a global of Node.js", pattern: /FOREIGN_\w+/ },
  { name: "a module of Node.js", pattern: /["']node:/ },
  // A method may have that name (re2js has one): called on an object, or declared with a body.
  { name: "eval", pattern: /(?<![\w$.])eval\((?![^()]*\)\{)/ },
  { name: "new Function", pattern: /new Function\b/ },
];

describe.each(neutralLibs())("%s", (lib) => {
  test.each(["index", "internal"])("bundles for the browser with nothing of Node.js (%s)", async (door) => {
    const { code, inputs } = await bundle(`libs/${lib}/src/${door}.ts`);
    const found = FOREIGN.filter(({ pattern }) => pattern.test(code)).map(({ name, pattern }) => {
      const at = code.search(pattern);
      return `${name}: …${code.slice(Math.max(0, at - 60), at + 60)}…`;
    });
    expect(found).toEqual([]);
    expect(Object.keys(inputs).filter((path) => /node_modules\/(ws|bufferutil)\//.test(path))).toEqual([]);
  });
});

test("the bundle is the platform's own: WebSocket, no TCP", async () => {
  const { code, inputs } = await bundle("libs/transport/src/index.ts");
  expect(code).toContain("WebSocket");
  expect(Object.keys(inputs)).toContain("libs/transport/src/platform/portable.ts");
  expect(Object.keys(inputs).filter((path) => path.startsWith("libs/transport/src/node"))).toEqual([]);
});

test("a global of Node.js would be found", async () => {
  const { code } = await bundle("tools/checks/fixtures/browser/uses-node-globals.ts");
  expect(code.match(/FOREIGN_\w+/g)).toEqual(["FOREIGN_Buffer", "FOREIGN_process"]);
  await expect(bundle("tools/checks/fixtures/browser/imports-node.ts")).rejects.toThrow('Could not resolve "node:fs"');
});
