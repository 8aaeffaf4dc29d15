/** Hand-written codec of OffsetCommitRequest, which must do what the declaration says in every version. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { ZERO_UUID } from "../bytes/uuid.ts";
import type { Codec } from "../schema/codec.ts";
import {
  readCount,
  readNullableString,
  readString,
  StructEdge,
  writeCount,
  writeNullableString,
  writeString,
} from "../schema/hand-written.ts";
import {
  type OffsetCommitRequest,
  type OffsetCommitRequestInput,
  type OffsetCommitRequestPartition,
  type OffsetCommitRequestTopic,
  type OffsetCommitRequestTopicInput,
  offsetCommitPartitionFields,
  offsetCommitRequestFields,
  offsetCommitTopicFields,
} from "./offset-commit-fields.ts";

const LAST_RETENTION = 4;
const LEADER_EPOCH = 6;
const GROUP_INSTANCE_ID = 7;
const FLEXIBLE = 8;
const TOPIC_ID = 10;

const TOPIC_SIZE_BYTES_MIN = 2;
/** Index, offset and metadata. */
const PARTITION_SIZE_BYTES_MIN = 13;

/** Codec of OffsetCommitRequest in one version. */
export class OffsetCommitRequestCodec implements Codec<OffsetCommitRequest, OffsetCommitRequestInput> {
  private readonly version: number;
  private readonly compact: boolean;
  private readonly edge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;

  constructor(version: number) {
    this.version = version;
    this.compact = version >= FLEXIBLE;
    this.edge = new StructEdge(offsetCommitRequestFields, version, this.compact);
    this.topicEdge = new StructEdge(offsetCommitTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(offsetCommitPartitionFields, version, this.compact);
  }

  read(reader: ByteReader): OffsetCommitRequest {
    const { version, compact } = this;
    const value = {
      groupId: readString(reader, compact),
      generationIdOrMemberEpoch: reader.readInt32(),
      memberId: readString(reader, compact),
      groupInstanceId: version >= GROUP_INSTANCE_ID ? readNullableString(reader, compact) : null,
      retentionTimeMs: version <= LAST_RETENTION ? reader.readInt64() : -1,
      topics: this.readTopics(reader),
    };
    this.edge.read(reader, value);
    return value;
  }

  private readTopics(reader: ByteReader): OffsetCommitRequestTopic[] {
    const byId = this.version >= TOPIC_ID;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: OffsetCommitRequestTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        name: byId ? "" : readString(reader, this.compact),
        topicId: byId ? reader.readUuid() : ZERO_UUID,
        partitions: this.readPartitions(reader),
      };
      this.topicEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  private readPartitions(reader: ByteReader): OffsetCommitRequestPartition[] {
    const { version, compact } = this;
    const count = readCount(reader, compact, PARTITION_SIZE_BYTES_MIN);
    const partitions: OffsetCommitRequestPartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = {
        partitionIndex: reader.readInt32(),
        committedOffset: reader.readInt64(),
        committedLeaderEpoch: version >= LEADER_EPOCH ? reader.readInt32() : -1,
        committedMetadata: readNullableString(reader, compact),
      };
      this.partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  write(writer: ByteWriter, value: OffsetCommitRequestInput): void {
    const { version, compact } = this;
    writeString(writer, compact, value.groupId);
    writer.writeInt32(value.generationIdOrMemberEpoch ?? -1);
    writeString(writer, compact, value.memberId);
    if (version >= GROUP_INSTANCE_ID) writeNullableString(writer, compact, value.groupInstanceId ?? null);
    if (version <= LAST_RETENTION) writer.writeInt64(value.retentionTimeMs ?? -1);
    writeCount(writer, compact, value.topics.length);
    for (const topic of value.topics) this.writeTopic(writer, topic);
    this.edge.write(writer, value);
  }

  private writeTopic(writer: ByteWriter, topic: OffsetCommitRequestTopicInput): void {
    const { version, compact } = this;
    if (version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    else writeString(writer, compact, topic.name);
    writeCount(writer, compact, topic.partitions.length);
    for (const partition of topic.partitions) {
      writer.writeInt32(partition.partitionIndex);
      writer.writeInt64(partition.committedOffset);
      if (version >= LEADER_EPOCH) writer.writeInt32(partition.committedLeaderEpoch ?? -1);
      writeNullableString(writer, compact, partition.committedMetadata);
      this.partitionEdge.write(writer, partition);
    }
    this.topicEdge.write(writer, topic);
  }
}
