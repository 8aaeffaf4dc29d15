import { mergeConfig } from "vitest/config";
import { sharedConfig } from "../../tools/vitest/shared.ts";

/** They take longer than loading does. */
const isolated = ["src/simulation/**/*.simulation.test.ts"];
const mocking = ["src/simulation/**/mutants.test.ts", "src/simulation/groups/fencing-off.test.ts"];

/** Two files at a time: its simulations take longer than all other libraries' tests, which are over long before. */
export default mergeConfig(sharedConfig("testing", { isolated, mocking }), { test: { maxWorkers: 2 } });
