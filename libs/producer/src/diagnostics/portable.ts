import type { OpenChannel } from "@ottla/client/internal";
import type { SendTracing } from "./contract.ts";

/** Browsers have no such channels. */
export const openChannel: OpenChannel = () => undefined;

export const sendTracing: SendTracing | undefined = undefined;
