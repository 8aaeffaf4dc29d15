import { tracingChannel } from "node:diagnostics_channel";
import type { OperationTracing, SendContext } from "../diagnostics/contract.ts";

/** Node.js's `diagnostics_channel`: `tracing:ottla:producer:send:start` and so on. */
export const sendTracing: OperationTracing<SendContext> | undefined = tracingChannel<unknown, SendContext>(
  "ottla:producer:send",
);
