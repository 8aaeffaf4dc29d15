import { channel, tracingChannel } from "node:diagnostics_channel";
import type { OpenChannel } from "@ottla/client/internal";
import type { SendContext, SendTracing } from "../diagnostics/contract.ts";
import { TracedSends } from "../diagnostics/traced-sends.ts";

/** Node.js's `diagnostics_channel`. */
export const openChannel: OpenChannel = (name) => channel(name);

/** `tracing:ottla:producer:send:start` and so on. */
export const sendTracing: SendTracing | undefined = new TracedSends(
  tracingChannel<unknown, SendContext>("ottla:producer:send"),
);
