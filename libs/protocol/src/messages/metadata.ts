import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { listenerUrl } from "./listener-url.ts";

/** Asks for brokers, topics and partition leaders; null topics means all of them (an empty list, in v0). */
export const metadataRequest = message(
  { name: "MetadataRequest", validVersions: "0-13", flexibleVersions: "9+" },
  {
    topics: array(
      { topicId: uuid({ versions: "10+", ignorable: true }), name: string({ nullable: "10+" }) },
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: bool({ versions: "4+", default: true }),
    includeClusterAuthorizedOperations: bool({ versions: "8-10" }),
    includeTopicAuthorizedOperations: bool({ versions: "8+" }),
  },
);

/** The cluster as the broker knows it. */
export const metadataResponse = message(
  { name: "MetadataResponse", validVersions: "0-13", flexibleVersions: "9+" },
  {
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ versions: "1+", nullable: "1+", ignorable: true, default: null }),
      url: listenerUrl("9+"),
    }),
    clusterId: string({ versions: "2+", nullable: "2+", ignorable: true, default: null }),
    controllerId: int32({ versions: "1+", ignorable: true, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: "12+" }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      isInternal: bool({ versions: "1+", ignorable: true, default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ versions: "7+", ignorable: true, default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { versions: "5+", ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ versions: "8+", default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ versions: "8-10", default: -2147483648 }),
    errorCode: int16({ versions: "13+", ignorable: true }),
  },
);

export const metadataApi = apiMessage({
  key: 3,
  name: "Metadata",
  request: metadataRequest,
  response: metadataResponse,
});

export interface MetadataRequest extends Infer<typeof metadataRequest> {}
export interface MetadataResponse extends Infer<typeof metadataResponse> {}
