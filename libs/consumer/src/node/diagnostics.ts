import { channel } from "node:diagnostics_channel";
import type { OpenChannel } from "../diagnostics/contract.ts";

/** Node.js's `diagnostics_channel`. */
export const openChannel: OpenChannel = (name) => channel(name);
