/** Hand-written codec of MetadataResponse, which must do what the declaration says in every version. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { ZERO_UUID } from "../bytes/uuid.ts";
import type { Codec } from "../schema/codec.ts";
import {
  readCount,
  readInt32s,
  readNullableString,
  readString,
  StructEdge,
  writeCount,
  writeInt32s,
  writeNullableString,
  writeString,
} from "../schema/hand-written.ts";
import {
  type MetadataResponse,
  type MetadataResponseBroker,
  type MetadataResponseBrokerInput,
  type MetadataResponseInput,
  type MetadataResponsePartition,
  type MetadataResponsePartitionInput,
  type MetadataResponseTopic,
  type MetadataResponseTopicInput,
  metadataBrokerFields,
  metadataPartitionFields,
  metadataResponseFields,
  metadataTopicFields,
  NO_AUTHORIZED_OPERATIONS,
} from "./metadata-fields.ts";

const RACK_AND_CONTROLLER = 1;
const CLUSTER_ID = 2;
const THROTTLE = 3;
const OFFLINE_REPLICAS = 5;
const LEADER_EPOCH = 7;
const AUTHORIZED_OPERATIONS = 8;
const FLEXIBLE = 9;
const TOPIC_ID = 10;
const LAST_CLUSTER_OPERATIONS = 10;
const NULLABLE_NAME = 12;
const ERROR_CODE = 13;

/** Node id, host and port. */
const BROKER_SIZE_BYTES_MIN = 9;
const TOPIC_SIZE_BYTES_MIN = 4;
/** Error code, index, leader and two lists. */
const PARTITION_SIZE_BYTES_MIN = 12;
const NONE: readonly never[] = /*#__PURE__*/ Object.freeze([]);

/** Codec of MetadataResponse in one version. */
export class MetadataResponseCodec implements Codec<MetadataResponse, MetadataResponseInput> {
  private readonly version: number;
  private readonly compact: boolean;
  private readonly clusterOperations: boolean;
  private readonly edge: StructEdge;
  private readonly brokerEdge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;

  constructor(version: number) {
    this.version = version;
    this.compact = version >= FLEXIBLE;
    this.clusterOperations = version >= AUTHORIZED_OPERATIONS && version <= LAST_CLUSTER_OPERATIONS;
    this.edge = new StructEdge(metadataResponseFields, version, this.compact);
    this.brokerEdge = new StructEdge(metadataBrokerFields, version, this.compact);
    this.topicEdge = new StructEdge(metadataTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(metadataPartitionFields, version, this.compact);
  }

  read(reader: ByteReader): MetadataResponse {
    const { version } = this;
    const value = {
      throttleTimeMs: version >= THROTTLE ? reader.readInt32() : 0,
      brokers: this.readBrokers(reader),
      clusterId: version >= CLUSTER_ID ? readNullableString(reader, this.compact) : null,
      controllerId: version >= RACK_AND_CONTROLLER ? reader.readInt32() : -1,
      topics: this.readTopics(reader),
      clusterAuthorizedOperations: this.clusterOperations ? reader.readInt32() : NO_AUTHORIZED_OPERATIONS,
      errorCode: version >= ERROR_CODE ? reader.readInt16() : 0,
    };
    this.edge.read(reader, value);
    return value;
  }

  private readBrokers(reader: ByteReader): MetadataResponseBroker[] {
    const { version, compact } = this;
    const count = readCount(reader, compact, BROKER_SIZE_BYTES_MIN);
    const brokers: MetadataResponseBroker[] = [];
    for (let index = 0; index < count; index++) {
      const broker = {
        nodeId: reader.readInt32(),
        host: readString(reader, compact),
        port: reader.readInt32(),
        rack: version >= RACK_AND_CONTROLLER ? readNullableString(reader, compact) : null,
        url: null,
      };
      this.brokerEdge.read(reader, broker);
      brokers.push(broker);
    }
    return brokers;
  }

  private readTopics(reader: ByteReader): MetadataResponseTopic[] {
    const { version } = this;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: MetadataResponseTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        errorCode: reader.readInt16(),
        name: this.readTopicName(reader),
        topicId: version >= TOPIC_ID ? reader.readUuid() : ZERO_UUID,
        isInternal: version >= RACK_AND_CONTROLLER && reader.readBoolean(),
        partitions: this.readPartitions(reader),
        topicAuthorizedOperations: version >= AUTHORIZED_OPERATIONS ? reader.readInt32() : NO_AUTHORIZED_OPERATIONS,
      };
      this.topicEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  private readTopicName(reader: ByteReader): string | null {
    const { compact } = this;
    return this.version >= NULLABLE_NAME ? readNullableString(reader, compact) : readString(reader, compact);
  }

  private readPartitions(reader: ByteReader): MetadataResponsePartition[] {
    const { version, compact, partitionEdge } = this;
    const count = readCount(reader, compact, PARTITION_SIZE_BYTES_MIN);
    const partitions: MetadataResponsePartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = {
        errorCode: reader.readInt16(),
        partitionIndex: reader.readInt32(),
        leaderId: reader.readInt32(),
        leaderEpoch: version >= LEADER_EPOCH ? reader.readInt32() : -1,
        replicaNodes: readInt32s(reader, compact),
        isrNodes: readInt32s(reader, compact),
        offlineReplicas: version >= OFFLINE_REPLICAS ? readInt32s(reader, compact) : NONE,
      };
      partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  write(writer: ByteWriter, value: MetadataResponseInput): void {
    const { version, compact } = this;
    if (version >= THROTTLE) writer.writeInt32(value.throttleTimeMs ?? 0);
    writeCount(writer, compact, value.brokers.length);
    for (const broker of value.brokers) this.writeBroker(writer, broker);
    if (version >= CLUSTER_ID) writeNullableString(writer, compact, value.clusterId ?? null);
    if (version >= RACK_AND_CONTROLLER) writer.writeInt32(value.controllerId ?? -1);
    writeCount(writer, compact, value.topics.length);
    for (const topic of value.topics) this.writeTopic(writer, topic);
    if (this.clusterOperations) writer.writeInt32(value.clusterAuthorizedOperations ?? NO_AUTHORIZED_OPERATIONS);
    if (version >= ERROR_CODE) writer.writeInt16(value.errorCode ?? 0);
    this.edge.write(writer, value);
  }

  private writeBroker(writer: ByteWriter, broker: MetadataResponseBrokerInput): void {
    writer.writeInt32(broker.nodeId);
    writeString(writer, this.compact, broker.host);
    writer.writeInt32(broker.port);
    if (this.version >= RACK_AND_CONTROLLER) writeNullableString(writer, this.compact, broker.rack ?? null);
    this.brokerEdge.write(writer, broker);
  }

  private writeTopic(writer: ByteWriter, topic: MetadataResponseTopicInput): void {
    const { version } = this;
    writer.writeInt16(topic.errorCode);
    this.writeTopicName(writer, topic.name);
    if (version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    if (version >= RACK_AND_CONTROLLER) writer.writeBoolean(topic.isInternal ?? false);
    writeCount(writer, this.compact, topic.partitions.length);
    for (const partition of topic.partitions) this.writePartition(writer, partition);
    if (version >= AUTHORIZED_OPERATIONS) {
      writer.writeInt32(topic.topicAuthorizedOperations ?? NO_AUTHORIZED_OPERATIONS);
    }
    this.topicEdge.write(writer, topic);
  }

  private writeTopicName(writer: ByteWriter, name: string | null): void {
    if (this.version >= NULLABLE_NAME) writeNullableString(writer, this.compact, name);
    else writeString(writer, this.compact, name);
  }

  private writePartition(writer: ByteWriter, partition: MetadataResponsePartitionInput): void {
    const { version, compact } = this;
    writer.writeInt16(partition.errorCode);
    writer.writeInt32(partition.partitionIndex);
    writer.writeInt32(partition.leaderId);
    if (version >= LEADER_EPOCH) writer.writeInt32(partition.leaderEpoch ?? -1);
    writeInt32s(writer, compact, partition.replicaNodes);
    writeInt32s(writer, compact, partition.isrNodes);
    if (version >= OFFLINE_REPLICAS) writeInt32s(writer, compact, partition.offlineReplicas ?? NONE);
    this.partitionEdge.write(writer, partition);
  }
}
