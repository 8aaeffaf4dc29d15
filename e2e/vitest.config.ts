import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, in the order in which they begin: else one of them would be alone at the end of a run. What keeps
 * a core busy (`console-pages`, `kills`, `cluster-faults`, `fuzzer`) is apart from each other, among files that mostly wait.
 */
const LONGEST = [
  "console-pages",
  "kills",
  "cluster-command",
  "operator",
  "java-tools",
  "start-failures",
  "cluster-faults",
  "security",
  "judge",
  "consumer",
  "fuzzer",
  "commands",
  "shared-groups",
  "mirror-maker",
  "stock-tools",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = (file: TestSpecification, name: string) => file.moduleId.endsWith(`/${name}.test.ts`);
    const sorted = await super.sort(files);
    const long = LONGEST.flatMap((name) => sorted.filter((file) => isLong(file, name)));
    return [...long, ...sorted.filter((file) => !long.includes(file))];
  }
}

/**
 * End-to-end tests use what is built (`dist`), as an installed package would be used.
 * Four files at a time on two cores: each starts real processes and mostly waits for them. With three a fifth of the time was idle.
 * Files that follow one another share a process and what it has loaded. What is built is loaded by Node.js itself, as it is:
 * through Vite, module by module, the SDKs' tests took a third more processor time, and twice as long with others beside them.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["node", "import", "module", "default"] } },
  test: {
    name: "e2e",
    include: ["src/**/*.test.ts"],
    globalSetup: ["src/harness/fresh-command.ts", "src/harness/java-programs.ts", "src/harness/shared-kafka.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 4,
    isolate: false,
    server: { deps: { external: [/\/(?:libs|apps|tools)\/[^/]+\/dist\//] } },
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "json"],
    outputFile: { json: ".test-results/vitest.json" },
  },
});
