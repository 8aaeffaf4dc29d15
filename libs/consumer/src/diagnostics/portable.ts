import type { OpenChannel, OperationTracing, ProcessContext } from "./contract.ts";

/** Browsers have no such channels. */
export const openChannel: OpenChannel = () => undefined;

export const processTracing: OperationTracing<ProcessContext> | undefined = undefined;
