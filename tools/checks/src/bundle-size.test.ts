import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type OutputFile } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { repositoryRoot } from "./repository.ts";

/**
 * What a page loads at once that both produces and consumes, and all that it may ever load but zstd's WebAssembly. To be
 * lowered with whatever makes the bundle smaller, and never raised without a reason in docs/performance.md, which also
 * says why these are not the 40 KB that are aimed at.
 */
const INITIAL_GZIPPED_BYTES_MAX = 59.3 * 1024;
const TOTAL_GZIPPED_BYTES_MAX = 97.8 * 1024;
/** What comes besides, whether a page is in a group or not, and the most that it may have loaded then. */
const LOADED_IN_USE = [
  { use: "assigned partitions", modules: ["prose/client-errors.ts"], bytesMax: 62.9 * 1024 },
  { use: "a group", modules: ["prose/client-errors.ts", "group/classic-engine.ts"], bytesMax: 75.3 * 1024 },
  { use: "a group by KIP-848", modules: ["prose/client-errors.ts", "group/consumer-engine.ts"], bytesMax: 70.3 * 1024 },
] as const;

const PAGE = `
  export { Producer } from "./libs/producer/src/index.ts";
  export { Consumer } from "./libs/consumer/src/index.ts";
`;

let files: readonly OutputFile[];
let metafile: Metafile;

beforeAll(async () => {
  const result = await build({
    stdin: { contents: PAGE, resolveDir: repositoryRoot },
    absWorkingDir: repositoryRoot,
    bundle: true,
    minify: true,
    splitting: true,
    outdir: "out",
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["@ottla/source"],
    legalComments: "none",
    logLevel: "silent",
  });
  files = result.outputFiles;
  metafile = result.metafile;
});

/** The entry and what it imports, but for what it imports when it is needed. */
function loadedAtOnce(output = "out/stdin.js", found = new Set<string>()): Set<string> {
  if (found.has(output)) return found;
  found.add(output);
  for (const { path, kind } of metafile.outputs[output]!.imports) {
    if (kind === "import-statement") loadedAtOnce(path, found);
  }
  return found;
}

function gzippedBytes(isCounted: (output: string) => boolean): number {
  return files
    .filter(({ path }) => isCounted(`out/${basename(path)}`))
    .reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
}

const isZstd = (output: string) => basename(output).startsWith("zstd-wasm");

test("producer and consumer together stay small", () => {
  const atOnce = loadedAtOnce();
  const initial = gzippedBytes((output) => atOnce.has(output));
  expect(initial).toBeGreaterThan(10 * 1024);
  expect(initial).toBeLessThan(INITIAL_GZIPPED_BYTES_MAX);
  expect(gzippedBytes((output) => !isZstd(output))).toBeLessThan(TOTAL_GZIPPED_BYTES_MAX);
});

test.each(LOADED_IN_USE)("a page that writes, and reads $use, loads little more", ({ modules, bytesMax }) => {
  const found = loadedAtOnce();
  for (const module of modules) {
    const output = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]!.entryPoint?.endsWith(module));
    loadedAtOnce(output!, found);
  }
  expect(gzippedBytes((output) => found.has(output))).toBeLessThan(bytesMax);
});

test("what not every page needs comes only when it is asked for", () => {
  const atOnce = [...loadedAtOnce()].flatMap((output) =>
    Object.entries(metafile.outputs[output]!.inputs).flatMap(([input, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [input] : [],
    ),
  );
  const isOptional =
    /messages\/\w+(-\w+)*-fast|schema\/hand-written|assignors\/|transaction-(identity|errors)|hang-watch|token-source|ssl-options|record-view|compression\/(gzip|inflate|snappy|lz4|zstd)|lz4js|snappyjs|prose\/(client|other)-errors|sasl\/(session|scram)|group\/(classic|consumer|engine)|transactions\/transaction-(manager|requests|scope)|record-runner|offset-requests|messages\/(join|sync|leave|heartbeat|consumer|add-|end-|txn-|sasl|offset-commit|offset-fetch)/;
  expect(atOnce.filter((input) => isOptional.test(input))).toEqual([]);
  expect(Object.keys(metafile.inputs).filter((input) => isOptional.test(input)).length).toBeGreaterThan(10);
  expect(files.filter(({ text }) => text.includes('"H4sI')).map(({ path }) => isZstd(path))).toEqual([true]);
});
