import {
  array,
  int16,
  int32,
  int64,
  records,
  type StructIn,
  type StructOut,
  string,
  struct,
  uuid,
} from "../schema/field.ts";

export const producePartitionFields = { index: int32(), records: records({ nullable: "0+" }) };

export const produceTopicFields = {
  name: string({ versions: "0-12", ignorable: true }),
  topicId: uuid({ versions: "13+", ignorable: true }),
  partitionData: array(producePartitionFields),
};

/** The members of a ProduceRequest. */
export const produceRequestFields = {
  transactionalId: string({ nullable: "3+", default: null }),
  acks: int16(),
  timeoutMs: int32(),
  topicData: array(produceTopicFields),
};

export const produceResponsePartitionFields = {
  index: int32(),
  errorCode: int16(),
  baseOffset: int64(),
  logAppendTimeMs: int64({ default: -1 }),
  logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
  recordErrors: array(
    { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: "8+", default: null }) },
    { versions: "8+", ignorable: true },
  ),
  errorMessage: string({ versions: "8+", nullable: "8+", ignorable: true, default: null }),
  currentLeader: struct(
    { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
    { versions: "10+", tag: 0 },
  ),
};

export const produceResponseTopicFields = {
  name: string({ versions: "0-12", ignorable: true }),
  topicId: uuid({ versions: "13+", ignorable: true }),
  partitionResponses: array(produceResponsePartitionFields),
};

/** The members of a ProduceResponse. */
export const produceResponseFields = {
  responses: array(produceResponseTopicFields),
  throttleTimeMs: int32({ default: 0 }),
  nodeEndpoints: array(
    { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: "10+", default: null }) },
    { versions: "10+", tag: 0 },
  ),
};

export interface ProduceRequestPartition extends StructOut<typeof producePartitionFields> {}
export interface ProduceRequestTopic extends StructOut<typeof produceTopicFields> {}
export interface ProduceRequest extends StructOut<typeof produceRequestFields> {}
export interface ProduceRequestTopicInput extends StructIn<typeof produceTopicFields> {}
export interface ProduceRequestInput extends StructIn<typeof produceRequestFields> {}

export interface ProduceResponsePartition extends StructOut<typeof produceResponsePartitionFields> {}
export interface ProduceResponseTopic extends StructOut<typeof produceResponseTopicFields> {}
export interface ProduceResponse extends StructOut<typeof produceResponseFields> {}
export interface ProduceResponsePartitionInput extends StructIn<typeof produceResponsePartitionFields> {}
export interface ProduceResponseTopicInput extends StructIn<typeof produceResponseTopicFields> {}
export interface ProduceResponseInput extends StructIn<typeof produceResponseFields> {}
