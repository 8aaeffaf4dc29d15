import { defineConfig } from "vitest/config";

/** Siblings resolve to their TypeScript source, so a test never runs against a stale build. */
const SOURCE_CONDITIONS = ["@ottla/source", "node", "import", "module", "default"];

const INCLUDE = ["src/**/*.test.ts"];

/**
 * The vitest configuration that every project shares. Files share a process and the modules that it has loaded (to load
 * them for each file took half of the CPU time of most), but for those that are named as `isolated`. A hook that a shared module
 * sets while it is loaded would be one of the first file alone: set it in a function that each file calls, or in the test.
 */
export function sharedConfig(name: string, { isolated = [] }: { readonly isolated?: readonly string[] } = {}) {
  const sharing = { name, include: INCLUDE, exclude: [...isolated], isolate: false };
  // Projects run by their names: these come first, as the longest ones are among them.
  const alone = { name: `isolated-${name}`, include: [...isolated], isolate: true };
  return defineConfig({
    resolve: { conditions: SOURCE_CONDITIONS },
    ssr: { resolve: { conditions: SOURCE_CONDITIONS } },
    test: {
      passWithNoTests: true,
      testTimeout: process.env.OTTLA_TEST_DEEP ? 600_000 : 20_000,
      reporters: ["default", "json"],
      outputFile: { json: ".test-results/vitest.json" },
      ...(isolated.length === 0 ? sharing : { projects: [sharing, alone].map((test) => ({ extends: true, test })) }),
    },
  });
}
