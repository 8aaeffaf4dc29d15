import { defineConfig } from "vitest/config";

/** Siblings resolve to their TypeScript source, so a test never runs against a stale build. */
const SOURCE_CONDITIONS = ["@ottla/source", "node", "import", "module", "default"];

/** The vitest configuration that every project shares. */
export function sharedConfig(projectName: string) {
  return defineConfig({
    resolve: { conditions: SOURCE_CONDITIONS },
    ssr: { resolve: { conditions: SOURCE_CONDITIONS } },
    test: {
      name: projectName,
      include: ["src/**/*.test.ts"],
      passWithNoTests: true,
      testTimeout: process.env.OTTLA_TEST_DEEP ? 600_000 : 20_000,
      reporters: ["default", "json"],
      outputFile: { json: ".test-results/vitest.json" },
    },
  });
}
