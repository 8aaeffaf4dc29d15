import type { OpenChannel } from "@ottla/client/internal";
import type { OperationTracing, ProcessContext } from "./contract.ts";

/** Browsers have no such channels. */
export const openChannel: OpenChannel = () => undefined;

export const processTracing: OperationTracing<ProcessContext> | undefined = undefined;
