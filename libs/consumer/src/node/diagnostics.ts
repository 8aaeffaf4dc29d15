import { channel, tracingChannel } from "node:diagnostics_channel";
import type { OpenChannel } from "@ottla/client/internal";
import type { OperationTracing, ProcessContext } from "../diagnostics/contract.ts";

/** Node.js's `diagnostics_channel`. */
export const openChannel: OpenChannel = (name) => channel(name);

/** `tracing:ottla:consumer:process:start` and so on. */
export const processTracing: OperationTracing<ProcessContext> | undefined = tracingChannel<unknown, ProcessContext>(
  "ottla:consumer:process",
);
