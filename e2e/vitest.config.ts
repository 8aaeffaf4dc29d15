import { defineConfig } from "vitest/config";

/**
 * End-to-end tests use what is built (`dist`), as an installed package would be used.
 * Files run one after another: each starts real processes, and the machines that run this are small.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["node", "import", "module", "default"] } },
  test: {
    name: "e2e",
    include: ["src/**/*.test.ts"],
    globalSetup: ["src/harness/fresh-command.ts", "src/harness/shared-kafka.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    reporters: ["default", "json"],
    outputFile: { json: ".test-results/vitest.json" },
  },
});
