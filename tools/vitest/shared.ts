import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { sourcesOfItsOwn } from "./built-siblings.ts";

const CONDITIONS = ["node", "import", "module", "default"];
const SOURCE_CONDITIONS = ["@ottla/source", ...CONDITIONS];

const resolving = (conditions: readonly string[]) => ({
  resolve: { conditions: [...conditions] },
  ssr: { resolve: { conditions: [...conditions] } },
});

/** Siblings resolve to their TypeScript source, so a test never runs against a stale build. */
const fromSource = (): TestProjectInlineConfiguration => resolving(SOURCE_CONDITIONS);

/**
 * `npm test` builds everything first, and says so: siblings are then loaded as they are built, as whoever installs them has them,
 * by Node.js itself. Through Vite each use of an import takes a call, and each module a transformation in each project.
 */
const asBuilt = (butFor: readonly string[] = []): TestProjectInlineConfiguration => ({
  ...resolving(CONDITIONS),
  plugins: [sourcesOfItsOwn(butFor)],
  test: { server: { deps: { external: [/\/(?:libs|apps|tools)\/[^/]+\/dist\//] } } },
});

const siblings = process.env.OTTLA_TEST_AS_BUILT === "1" ? asBuilt : fromSource;

const INCLUDE = ["src/**/*.test.ts"];

interface Apart {
  /** Files that have a process of their own. */
  readonly isolated?: readonly string[];
  /** Those that put modules of their own in the place of a sibling's, and so need its source. */
  readonly mocking?: readonly string[];
  /** The siblings in which they do so, and all that import these. */
  readonly mocked?: readonly string[];
}

/**
 * The vitest configuration that every project shares. Files share a process and the modules that it has loaded (to load
 * them for each file took half of the CPU time of most), but for those that are named as `isolated` or `mocking`. A hook that a
 * shared module sets while it is loaded would be one of the first file alone: set it in a function that each file calls, or in the test.
 */
export function sharedConfig(name: string, { isolated = [], mocking = [], mocked = [] }: Apart = {}) {
  const sharing = { name, include: INCLUDE, exclude: [...isolated, ...mocking], isolate: false };
  // Projects run by their names: these come first, as the longest ones are among them.
  const alone = { name: `isolated-${name}`, include: [...isolated], exclude: [...mocking], isolate: true };
  const replacing = { name: `isolated-mocking-${name}`, include: [...mocking], isolate: true };
  const common = {
    passWithNoTests: true,
    testTimeout: process.env.OTTLA_TEST_DEEP ? 600_000 : 20_000,
    reporters: ["default", "json"],
    outputFile: { json: ".test-results/vitest.json" },
  };
  const own = (test: object, resolved = siblings()) => ({ ...resolved, test: { ...resolved.test, ...test } });
  if (isolated.length + mocking.length === 0) return defineConfig(own({ ...common, ...sharing }));
  const projects = [own(sharing), own(alone), own(replacing, siblings(mocked))];
  return defineConfig({ test: { ...common, projects: projects.map((project) => ({ extends: true, ...project })) } });
}
