import type { OpenChannel } from "./contract.ts";

/** Browsers have no such channels. */
export const openChannel: OpenChannel = () => undefined;
