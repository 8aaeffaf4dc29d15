import { array, bool, int16, int32, type StructIn, type StructOut, string, uuid } from "../schema/field.ts";
import { listenerUrl } from "./listener-url.ts";

/** Says that the operations a principal may do were not asked for. */
export const NO_AUTHORIZED_OPERATIONS = -2147483648;

export const metadataBrokerFields = {
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: string({ versions: "1+", nullable: "1+", ignorable: true, default: null }),
  url: listenerUrl("9+"),
};

export const metadataPartitionFields = {
  errorCode: int16(),
  partitionIndex: int32(),
  leaderId: int32(),
  leaderEpoch: int32({ versions: "7+", ignorable: true, default: -1 }),
  replicaNodes: array(int32()),
  isrNodes: array(int32()),
  offlineReplicas: array(int32(), { versions: "5+", ignorable: true }),
};

export const metadataTopicFields = {
  errorCode: int16(),
  name: string({ nullable: "12+" }),
  topicId: uuid({ versions: "10+", ignorable: true }),
  isInternal: bool({ versions: "1+", ignorable: true, default: false }),
  partitions: array(metadataPartitionFields),
  topicAuthorizedOperations: int32({ versions: "8+", default: NO_AUTHORIZED_OPERATIONS }),
};

/** The members of a MetadataResponse. */
export const metadataResponseFields = {
  throttleTimeMs: int32({ versions: "3+", ignorable: true }),
  brokers: array(metadataBrokerFields),
  clusterId: string({ versions: "2+", nullable: "2+", ignorable: true, default: null }),
  controllerId: int32({ versions: "1+", ignorable: true, default: -1 }),
  topics: array(metadataTopicFields),
  clusterAuthorizedOperations: int32({ versions: "8-10", default: NO_AUTHORIZED_OPERATIONS }),
  errorCode: int16({ versions: "13+", ignorable: true }),
};

export interface MetadataResponseBroker extends StructOut<typeof metadataBrokerFields> {}
export interface MetadataResponsePartition extends StructOut<typeof metadataPartitionFields> {}
export interface MetadataResponseTopic extends StructOut<typeof metadataTopicFields> {}
export interface MetadataResponse extends StructOut<typeof metadataResponseFields> {}
export interface MetadataResponseBrokerInput extends StructIn<typeof metadataBrokerFields> {}
export interface MetadataResponsePartitionInput extends StructIn<typeof metadataPartitionFields> {}
export interface MetadataResponseTopicInput extends StructIn<typeof metadataTopicFields> {}
export interface MetadataResponseInput extends StructIn<typeof metadataResponseFields> {}
