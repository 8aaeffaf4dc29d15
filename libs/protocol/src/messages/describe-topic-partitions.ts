import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, string, struct, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for partitions of topics, page by page (KIP-966). */
export const describeTopicPartitionsRequest = message(
  { name: "DescribeTopicPartitionsRequest", validVersions: "0", flexibleVersions: "0+" },
  {
    topics: array({ name: string() }),
    responsePartitionLimit: int32({ default: 2000 }),
    cursor: struct({ topicName: string(), partitionIndex: int32() }, { nullable: "0+", default: null }),
  },
);

/** Partitions, and where the next page begins. */
export const describeTopicPartitionsResponse = message(
  { name: "DescribeTopicPartitionsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: "0+" }),
      topicId: uuid(),
      isInternal: bool({ default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32(), { nullable: "0+", default: null }),
        lastKnownElr: array(int32(), { nullable: "0+", default: null }),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32({ default: -2147483648 }),
    }),
    nextCursor: struct({ topicName: string(), partitionIndex: int32() }, { nullable: "0+", default: null }),
  },
);

export const describeTopicPartitionsApi = apiMessage({
  key: 75,
  name: "DescribeTopicPartitions",
  request: describeTopicPartitionsRequest,
  response: describeTopicPartitionsResponse,
});

export interface DescribeTopicPartitionsRequest extends Infer<typeof describeTopicPartitionsRequest> {}
export interface DescribeTopicPartitionsResponse extends Infer<typeof describeTopicPartitionsResponse> {}
