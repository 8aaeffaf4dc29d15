import type { TroubleEvents } from "@ottla/client";

/**
 * What a producer tells of, by name. Operations are `produce to <topic>-<partition>` and `connect to broker <id>`. Sends
 * tell of their own end: they resolve or reject.
 */
export interface ProducerEvents extends TroubleEvents {}

export const PRODUCER_EVENTS: Readonly<Record<keyof ProducerEvents, true>> = {
  retry: true,
  stall: true,
  recovered: true,
};
