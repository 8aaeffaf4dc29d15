import { array, bytes, int32, string } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";

/** What a member of a classic consumer group tells its leader. */
export const consumerProtocolSubscription = message(
  { name: "ConsumerProtocolSubscription", validVersions: "0-3" },
  {
    topics: array(string()),
    userData: bytes({ nullable: "0+", default: null }),
    ownedPartitions: array({ topic: string(), partitions: array(int32()) }, { versions: "1+", ignorable: true }),
    generationId: int32({ versions: "2+", ignorable: true, default: -1 }),
    rackId: string({ versions: "3+", nullable: "3+", ignorable: true, default: null }),
  },
);

/** What the leader of a classic consumer group tells a member. */
export const consumerProtocolAssignment = message(
  { name: "ConsumerProtocolAssignment", validVersions: "0-3" },
  {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: "0+", default: null }),
  },
);

export interface ConsumerProtocolSubscription extends Infer<typeof consumerProtocolSubscription> {}
export interface ConsumerProtocolAssignment extends Infer<typeof consumerProtocolAssignment> {}
