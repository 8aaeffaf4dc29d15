import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string, struct, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the state and members of groups of the consumer protocol. */
export const consumerGroupDescribeRequest = message(
  { name: "ConsumerGroupDescribeRequest", validVersions: "0-1", flexibleVersions: "0+" },
  { groupIds: array(string()), includeAuthorizedOperations: bool() },
);

const assignmentFields = {
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
} as const;

/** State and members of each group. */
export const consumerGroupDescribeResponse = message(
  { name: "ConsumerGroupDescribeResponse", validVersions: "0-1", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: "0+", default: null }),
        rackId: string({ nullable: "0+", default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: "0+", default: null }),
        assignment: struct(assignmentFields),
        targetAssignment: struct(assignmentFields),
        memberType: int8({ versions: "1+", ignorable: true, default: -1 }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
);

export const consumerGroupDescribeApi = apiMessage({
  key: 69,
  name: "ConsumerGroupDescribe",
  request: consumerGroupDescribeRequest,
  response: consumerGroupDescribeResponse,
});

export interface ConsumerGroupDescribeRequest extends Infer<typeof consumerGroupDescribeRequest> {}
export interface ConsumerGroupDescribeResponse extends Infer<typeof consumerGroupDescribeResponse> {}
