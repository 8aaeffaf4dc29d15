import { mergeConfig } from "vitest/config";
import { sharedConfig } from "../../tools/vitest/shared.ts";

/** They take longer than loading does. */
const isolated = ["src/simulation/**/*.simulation.test.ts"];
/** They put modules in the place of those of brokers. */
const mocking = ["src/simulation/**/mutants.test.ts", "src/simulation/groups/fencing-off.test.ts"];
const mocked = ["broker", "coordinator", "metadata", "zookeeper"].map((name) => `@ottla/${name}`);

/** Two files at a time: its simulations take longer than all other libraries' tests, which are over long before. */
export default mergeConfig(sharedConfig("testing", { isolated, mocking, mocked }), { test: { maxWorkers: 2 } });
