import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { repositoryRoot } from "./repository.ts";

/**
 * What a page loads that both produces and consumes, zstd's WebAssembly aside. To be lowered with whatever makes the
 * bundle smaller, and never raised without a reason in docs/performance.md.
 */
const GZIPPED_BYTES_MAX = 96 * 1024;

const PAGE = `
  export { Producer } from "./libs/producer/src/index.ts";
  export { Consumer } from "./libs/consumer/src/index.ts";
`;

async function outputs() {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: repositoryRoot },
    absWorkingDir: repositoryRoot,
    bundle: true,
    minify: true,
    splitting: true,
    outdir: "out",
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["@ottla/source"],
    legalComments: "none",
    logLevel: "silent",
  });
  return outputFiles;
}

test("producer and consumer together stay small, and zstd comes only when it is asked for", async () => {
  const files = await outputs();
  const zstd = files.filter(({ text }) => text.includes('"H4sI')); // how gzipped data begins in base64
  expect(zstd.map(({ path }) => basename(path))).toEqual([expect.stringMatching(/^zstd-wasm/)]);
  const loaded = files.filter((file) => file !== zstd[0]);
  const gzippedBytes = loaded.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
  expect(gzippedBytes).toBeGreaterThan(10 * 1024);
  expect(gzippedBytes).toBeLessThan(GZIPPED_BYTES_MAX);
});
