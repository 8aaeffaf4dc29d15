import { mergeConfig } from "vitest/config";
import { sharedConfig } from "../../tools/vitest/shared.ts";

/** Two files at a time: its simulations take longer than all other libraries' tests, which are over long before. */
export default mergeConfig(sharedConfig("testing"), { test: { maxWorkers: 2 } });
