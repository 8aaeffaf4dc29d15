import { mergeConfig } from "vitest/config";
import { sharedConfig } from "../../tools/vitest/shared.ts";

/** Simulations take longer than loading does; some put modules of their own in the place of others. */
const isolated = [
  "src/simulation/**/*.simulation.test.ts",
  "src/simulation/**/mutants.test.ts",
  "src/simulation/groups/fencing-off.test.ts",
];

/** Two files at a time: its simulations take longer than all other libraries' tests, which are over long before. */
export default mergeConfig(sharedConfig("testing", { isolated }), { test: { maxWorkers: 2 } });
