/** Hand-written codecs of Produce, which must do what the declaration says in every version. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { ZERO_UUID } from "../bytes/uuid.ts";
import type { Codec } from "../schema/codec.ts";
import { defaultOf } from "../schema/defaults.ts";
import {
  readCount,
  readNullableBytes,
  readNullableString,
  readString,
  StructEdge,
  writeCount,
  writeNullableBytes,
  writeNullableString,
  writeString,
} from "../schema/hand-written.ts";
import {
  type ProduceRequest,
  type ProduceRequestInput,
  type ProduceRequestPartition,
  type ProduceRequestTopic,
  type ProduceRequestTopicInput,
  type ProduceResponse,
  type ProduceResponseInput,
  type ProduceResponsePartition,
  type ProduceResponsePartitionInput,
  type ProduceResponseTopic,
  type ProduceResponseTopicInput,
  producePartitionFields,
  produceRequestFields,
  produceResponseFields,
  produceResponsePartitionFields,
  produceResponseTopicFields,
  produceTopicFields,
} from "./produce-fields.ts";

const FLEXIBLE = 9;
const LOG_START_OFFSET = 5;
const RECORD_ERRORS = 8;
const TOPIC_ID = 13;

const TOPIC_SIZE_BYTES_MIN = 2;
const PARTITION_SIZE_BYTES_MIN = 5;
const RECORD_ERROR_SIZE_BYTES_MIN = 5;
/** Index, error code, base offset and append time. */
const PARTITION_RESPONSE_SIZE_BYTES_MIN = 22;

const NO_RECORD_ERRORS: readonly never[] = /*#__PURE__*/ Object.freeze([]);

/** Codec of ProduceRequest in one version. */
export class ProduceRequestCodec implements Codec<ProduceRequest, ProduceRequestInput> {
  private readonly compact: boolean;
  private readonly byId: boolean;
  private readonly edge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;

  constructor(version: number) {
    this.compact = version >= FLEXIBLE;
    this.byId = version >= TOPIC_ID;
    this.edge = new StructEdge(produceRequestFields, version, this.compact);
    this.topicEdge = new StructEdge(produceTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(producePartitionFields, version, this.compact);
  }

  read(reader: ByteReader): ProduceRequest {
    const value = {
      transactionalId: readNullableString(reader, this.compact),
      acks: reader.readInt16(),
      timeoutMs: reader.readInt32(),
      topicData: this.readTopics(reader),
    };
    this.edge.read(reader, value);
    return value;
  }

  private readTopics(reader: ByteReader): ProduceRequestTopic[] {
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: ProduceRequestTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        name: this.byId ? "" : readString(reader, this.compact),
        topicId: this.byId ? reader.readUuid() : ZERO_UUID,
        partitionData: this.readPartitions(reader),
      };
      this.topicEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  private readPartitions(reader: ByteReader): ProduceRequestPartition[] {
    const { compact, partitionEdge } = this;
    const count = readCount(reader, compact, PARTITION_SIZE_BYTES_MIN);
    const partitions: ProduceRequestPartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = { index: reader.readInt32(), records: readNullableBytes(reader, compact) };
      partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  write(writer: ByteWriter, value: ProduceRequestInput): void {
    writeNullableString(writer, this.compact, value.transactionalId ?? null);
    writer.writeInt16(value.acks);
    writer.writeInt32(value.timeoutMs);
    writeCount(writer, this.compact, value.topicData.length);
    for (const topic of value.topicData) this.writeTopic(writer, topic);
    this.edge.write(writer, value);
  }

  private writeTopic(writer: ByteWriter, topic: ProduceRequestTopicInput): void {
    const { compact, partitionEdge } = this;
    if (this.byId) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    else writeString(writer, compact, topic.name);
    writeCount(writer, compact, topic.partitionData.length);
    for (const partition of topic.partitionData) {
      writer.writeInt32(partition.index);
      writeNullableBytes(writer, compact, partition.records);
      partitionEdge.write(writer, partition);
    }
    this.topicEdge.write(writer, topic);
  }
}

type RecordErrors = ProduceResponsePartition["recordErrors"];

/** Codec of ProduceResponse in one version. */
export class ProduceResponseCodec implements Codec<ProduceResponse, ProduceResponseInput> {
  private readonly version: number;
  private readonly compact: boolean;
  private readonly edge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;
  private readonly recordErrorEdge: StructEdge;
  private readonly noLeader: ProduceResponsePartition["currentLeader"];

  constructor(version: number) {
    this.version = version;
    this.compact = version >= FLEXIBLE;
    this.edge = new StructEdge(produceResponseFields, version, this.compact);
    this.topicEdge = new StructEdge(produceResponseTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(produceResponsePartitionFields, version, this.compact);
    const { recordErrors, currentLeader } = produceResponsePartitionFields;
    this.recordErrorEdge = new StructEdge(recordErrors.element!.fields!, version, this.compact);
    this.noLeader = defaultOf(currentLeader) as ProduceResponsePartition["currentLeader"];
  }

  read(reader: ByteReader): ProduceResponse {
    const value = {
      responses: this.readTopics(reader),
      throttleTimeMs: reader.readInt32(),
      nodeEndpoints: NO_RECORD_ERRORS,
    };
    this.edge.read(reader, value);
    return value;
  }

  private readTopics(reader: ByteReader): ProduceResponseTopic[] {
    const byId = this.version >= TOPIC_ID;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: ProduceResponseTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        name: byId ? "" : readString(reader, this.compact),
        topicId: byId ? reader.readUuid() : ZERO_UUID,
        partitionResponses: this.readPartitions(reader),
      };
      this.topicEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  private readPartitions(reader: ByteReader): ProduceResponsePartition[] {
    const { version, compact, partitionEdge } = this;
    const count = readCount(reader, compact, PARTITION_RESPONSE_SIZE_BYTES_MIN);
    const partitions: ProduceResponsePartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = {
        index: reader.readInt32(),
        errorCode: reader.readInt16(),
        baseOffset: reader.readInt64(),
        logAppendTimeMs: reader.readInt64(),
        logStartOffset: version >= LOG_START_OFFSET ? reader.readInt64() : -1,
        recordErrors: version >= RECORD_ERRORS ? this.readRecordErrors(reader) : NO_RECORD_ERRORS,
        errorMessage: version >= RECORD_ERRORS ? readNullableString(reader, compact) : null,
        currentLeader: this.noLeader,
      };
      partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  private readRecordErrors(reader: ByteReader): RecordErrors {
    const count = readCount(reader, this.compact, RECORD_ERROR_SIZE_BYTES_MIN);
    const errors: RecordErrors[number][] = [];
    for (let index = 0; index < count; index++) {
      const error = {
        batchIndex: reader.readInt32(),
        batchIndexErrorMessage: readNullableString(reader, this.compact),
      };
      this.recordErrorEdge.read(reader, error);
      errors.push(error);
    }
    return errors;
  }

  write(writer: ByteWriter, value: ProduceResponseInput): void {
    writeCount(writer, this.compact, value.responses.length);
    for (const topic of value.responses) this.writeTopic(writer, topic);
    writer.writeInt32(value.throttleTimeMs ?? 0);
    this.edge.write(writer, value);
  }

  private writeTopic(writer: ByteWriter, topic: ProduceResponseTopicInput): void {
    if (this.version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    else writeString(writer, this.compact, topic.name);
    writeCount(writer, this.compact, topic.partitionResponses.length);
    for (const partition of topic.partitionResponses) this.writePartition(writer, partition);
    this.topicEdge.write(writer, topic);
  }

  private writePartition(writer: ByteWriter, partition: ProduceResponsePartitionInput): void {
    const { version } = this;
    writer.writeInt32(partition.index);
    writer.writeInt16(partition.errorCode);
    writer.writeInt64(partition.baseOffset);
    writer.writeInt64(partition.logAppendTimeMs ?? -1);
    if (version >= LOG_START_OFFSET) writer.writeInt64(partition.logStartOffset ?? -1);
    if (version >= RECORD_ERRORS) {
      this.writeRecordErrors(writer, partition.recordErrors ?? NO_RECORD_ERRORS);
      writeNullableString(writer, this.compact, partition.errorMessage ?? null);
    }
    this.partitionEdge.write(writer, partition);
  }

  private writeRecordErrors(writer: ByteWriter, errors: NonNullable<ProduceResponsePartitionInput["recordErrors"]>) {
    writeCount(writer, this.compact, errors.length);
    for (const error of errors) {
      writer.writeInt32(error.batchIndex);
      writeNullableString(writer, this.compact, error.batchIndexErrorMessage ?? null);
      this.recordErrorEdge.write(writer, error);
    }
  }
}
