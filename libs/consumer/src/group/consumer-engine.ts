import { ConsumerMember } from "./consumer-member.ts";
import { type GroupEngine, groupParts } from "./engine.ts";

/** Groups by ConsumerGroupHeartbeat (KIP-848), in which the coordinator assigns the partitions. */
export const consumerEngine: GroupEngine = {
  ...groupParts,
  createAssignors: () => [],
  createMember: (client, options, host) => new ConsumerMember(client, options, host),
};
