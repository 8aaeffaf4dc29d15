import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { beforeAll, expect, test } from "vitest";
import { repositoryRoot } from "./repository.ts";

/**
 * What a page built by Vite loads at once that both produces and consumes. To be lowered with whatever makes the bundle
 * smaller, and never raised without a reason in docs/performance.md. esbuild's figure: bundle-size.test.ts.
 */
const INITIAL_GZIPPED_BYTES_MAX = 56.3 * 1024;

const ENTRY = "virtual:page";
const PAGE = `
  import { Consumer } from "${repositoryRoot}/libs/consumer/src/index.ts";
  import { Producer } from "${repositoryRoot}/libs/producer/src/index.ts";
  globalThis.clients = { Consumer, Producer };
`;

let chunks: ReadonlyMap<string, Rollup.OutputChunk>;

beforeAll(async () => {
  const built = await build({
    configFile: false,
    root: repositoryRoot,
    logLevel: "silent",
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? PAGE : undefined),
      },
    ],
    resolve: { conditions: ["@ottla/source", "module", "browser", "production"] },
    build: { write: false, target: "es2022", rollupOptions: { input: ENTRY } },
  });
  const { output } = built as Rollup.RollupOutput;
  chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])));
}, 60_000);

/** The entry and what it imports, but for what it imports when it is needed. */
function loadedAtOnce(chunk: Rollup.OutputChunk, found = new Set<Rollup.OutputChunk>()): Set<Rollup.OutputChunk> {
  if (found.has(chunk)) return found;
  found.add(chunk);
  for (const name of chunk.imports) loadedAtOnce(chunks.get(name)!, found);
  return found;
}

test("producer and consumer together stay small when Vite builds the page", () => {
  const entry = [...chunks.values()].find(({ isEntry }) => isEntry)!;
  const initial = [...loadedAtOnce(entry)].reduce((sum, { code }) => sum + gzipSync(code).length, 0);
  expect(initial).toBeGreaterThan(10 * 1024);
  expect(initial).toBeLessThan(INITIAL_GZIPPED_BYTES_MAX);
  expect([...loadedAtOnce(entry)].map(({ name }) => name).join()).not.toMatch(/zstd|lz4|snappy|session|engine/);
});
