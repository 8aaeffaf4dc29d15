import { defineConfig } from "vitest/config";

const SOURCE = ["@ottla/source", "node", "import", "module", "default"];
export default defineConfig({
  root: "/work/main/e2e",
  resolve: { conditions: SOURCE },
  ssr: { resolve: { conditions: SOURCE } },
  test: { include: ["src/sdk/*.test.ts"], testTimeout: 60000, hookTimeout: 60000, fileParallelism: false },
});
