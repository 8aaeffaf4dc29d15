import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string, struct, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Enters, stays in and leaves a group of the consumer protocol (KIP-848). Null members mean "as before". */
export const consumerGroupHeartbeatRequest = message(
  { name: "ConsumerGroupHeartbeatRequest", validVersions: "0-1", flexibleVersions: "0+" },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullable: "0+", default: null }),
    rackId: string({ nullable: "0+", default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: array(string(), { nullable: "0+", default: null }),
    subscribedTopicRegex: string({ versions: "1+", nullable: "1+", default: null }),
    serverAssignor: string({ nullable: "0+", default: null }),
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }, { nullable: "0+", default: null }),
  },
);

/** The member's epoch, and its assignment when that has changed. */
export const consumerGroupHeartbeatResponse = message(
  { name: "ConsumerGroupHeartbeatResponse", validVersions: "0-1", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    memberId: string({ nullable: "0+", default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct(
      { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
      { nullable: "0+", default: null },
    ),
  },
);

export const consumerGroupHeartbeatApi = apiMessage({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  request: consumerGroupHeartbeatRequest,
  response: consumerGroupHeartbeatResponse,
});

export interface ConsumerGroupHeartbeatRequest extends Infer<typeof consumerGroupHeartbeatRequest> {}
export interface ConsumerGroupHeartbeatResponse extends Infer<typeof consumerGroupHeartbeatResponse> {}
