import { sharedConfig } from "../../tools/vitest/shared.ts";

/** It puts a module of its own in another's place. */
const isolated = ["src/transactions/platform/on-demand.test.ts"];

export default sharedConfig("producer", { isolated });
