import { defineConfig } from "vitest/config";

/**
 * End-to-end tests use what is built (`dist`), as an installed package would be used.
 * Two files at a time: each starts real processes and mostly waits for them, and the machines that run this are small.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["node", "import", "module", "default"] } },
  test: {
    name: "e2e",
    include: ["src/**/*.test.ts"],
    globalSetup: ["src/harness/fresh-command.ts", "src/harness/shared-kafka.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ["default", "json"],
    outputFile: { json: ".test-results/vitest.json" },
  },
});
