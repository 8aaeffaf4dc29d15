import type { OperationTracing, SendContext } from "./contract.ts";

/** Browsers have no such channels. */
export const sendTracing: OperationTracing<SendContext> | undefined = undefined;
