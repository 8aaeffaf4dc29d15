import type { OpenChannel } from "@ottla/client/internal";
import type { OperationTracing, SendContext } from "./contract.ts";

/** Browsers have no such channels. */
export const openChannel: OpenChannel = () => undefined;

export const sendTracing: OperationTracing<SendContext> | undefined = undefined;
