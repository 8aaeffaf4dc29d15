import { channel, tracingChannel } from "node:diagnostics_channel";
import type { OpenChannel } from "@ottla/client/internal";
import type { OperationTracing, SendContext } from "../diagnostics/contract.ts";

/** Node.js's `diagnostics_channel`. */
export const openChannel: OpenChannel = (name) => channel(name);

/** `tracing:ottla:producer:send:start` and so on. */
export const sendTracing: OperationTracing<SendContext> | undefined = tracingChannel<unknown, SendContext>(
  "ottla:producer:send",
);
