/** Hand-written codec of FetchRequest, which must do what the declaration says in every version. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { INT64_MAX } from "../bytes/int64.ts";
import { ZERO_UUID } from "../bytes/uuid.ts";
import type { Codec } from "../schema/codec.ts";
import { defaultOf } from "../schema/defaults.ts";
import {
  readCount,
  readInt32s,
  readString,
  StructEdge,
  writeCount,
  writeInt32s,
  writeString,
} from "../schema/hand-written.ts";
import {
  type FetchRequest,
  type FetchRequestInput,
  type FetchRequestPartition,
  type FetchRequestPartitionInput,
  type FetchRequestTopic,
  type FetchRequestTopicInput,
  type ForgottenTopic,
  type ForgottenTopicInput,
  fetchPartitionFields,
  fetchRequestFields,
  fetchTopicFields,
  forgottenTopicFields,
} from "./fetch-fields.ts";

const LOG_START_OFFSET = 5;
const SESSION = 7;
const LEADER_EPOCH = 9;
const RACK = 11;
const FLEXIBLE = 12;
const TOPIC_ID = 13;
const REPLICA_STATE = 15;

const TOPIC_SIZE_BYTES_MIN = 2;
/** Partition, fetch offset and byte limit. */
const PARTITION_SIZE_BYTES_MIN = 16;
const MAX_BYTES = 0x7fffffff;
const NONE: readonly never[] = /*#__PURE__*/ Object.freeze([]);

/** Codec of FetchRequest in one version. */
export class FetchRequestCodec implements Codec<FetchRequest, FetchRequestInput> {
  private readonly version: number;
  private readonly compact: boolean;
  private readonly edge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;
  private readonly forgottenEdge: StructEdge;
  private readonly noReplica: FetchRequest["replicaState"];

  constructor(version: number) {
    this.version = version;
    this.compact = version >= FLEXIBLE;
    this.edge = new StructEdge(fetchRequestFields, version, this.compact);
    this.topicEdge = new StructEdge(fetchTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(fetchPartitionFields, version, this.compact);
    this.forgottenEdge = new StructEdge(forgottenTopicFields, version, this.compact);
    this.noReplica = defaultOf(fetchRequestFields.replicaState) as FetchRequest["replicaState"];
  }

  read(reader: ByteReader): FetchRequest {
    const { version } = this;
    const value = {
      clusterId: null,
      replicaId: version < REPLICA_STATE ? reader.readInt32() : -1,
      replicaState: this.noReplica,
      maxWaitMs: reader.readInt32(),
      minBytes: reader.readInt32(),
      maxBytes: reader.readInt32(),
      isolationLevel: reader.readInt8(),
      sessionId: version >= SESSION ? reader.readInt32() : 0,
      sessionEpoch: version >= SESSION ? reader.readInt32() : -1,
      topics: this.readTopics(reader),
      forgottenTopicsData: version >= SESSION ? this.readForgotten(reader) : NONE,
      rackId: version >= RACK ? readString(reader, this.compact) : "",
    };
    this.edge.read(reader, value);
    return value;
  }

  private readTopics(reader: ByteReader): FetchRequestTopic[] {
    const byId = this.version >= TOPIC_ID;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: FetchRequestTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        topic: byId ? "" : readString(reader, this.compact),
        topicId: byId ? reader.readUuid() : ZERO_UUID,
        partitions: this.readPartitions(reader),
      };
      this.topicEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  private readPartitions(reader: ByteReader): FetchRequestPartition[] {
    const { version, partitionEdge } = this;
    const count = readCount(reader, this.compact, PARTITION_SIZE_BYTES_MIN);
    const partitions: FetchRequestPartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = {
        partition: reader.readInt32(),
        currentLeaderEpoch: version >= LEADER_EPOCH ? reader.readInt32() : -1,
        fetchOffset: reader.readInt64(),
        lastFetchedEpoch: version >= FLEXIBLE ? reader.readInt32() : -1,
        logStartOffset: version >= LOG_START_OFFSET ? reader.readInt64() : -1,
        partitionMaxBytes: reader.readInt32(),
        replicaDirectoryId: ZERO_UUID,
        highWatermark: INT64_MAX,
      };
      partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  private readForgotten(reader: ByteReader): ForgottenTopic[] {
    const byId = this.version >= TOPIC_ID;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: ForgottenTopic[] = [];
    for (let index = 0; index < count; index++) {
      const topic = {
        topic: byId ? "" : readString(reader, this.compact),
        topicId: byId ? reader.readUuid() : ZERO_UUID,
        partitions: readInt32s(reader, this.compact),
      };
      this.forgottenEdge.read(reader, topic);
      topics.push(topic);
    }
    return topics;
  }

  write(writer: ByteWriter, value: FetchRequestInput): void {
    const { version, compact } = this;
    if (version < REPLICA_STATE) writer.writeInt32(value.replicaId ?? -1);
    writer.writeInt32(value.maxWaitMs);
    writer.writeInt32(value.minBytes);
    writer.writeInt32(value.maxBytes ?? MAX_BYTES);
    writer.writeInt8(value.isolationLevel ?? 0);
    if (version >= SESSION) {
      writer.writeInt32(value.sessionId ?? 0);
      writer.writeInt32(value.sessionEpoch ?? -1);
    }
    writeCount(writer, compact, value.topics.length);
    for (const topic of value.topics) this.writeTopic(writer, topic);
    if (version >= SESSION) this.writeForgotten(writer, value.forgottenTopicsData ?? NONE);
    if (version >= RACK) writeString(writer, compact, value.rackId);
    this.edge.write(writer, value);
  }

  private writeTopic(writer: ByteWriter, topic: FetchRequestTopicInput): void {
    if (this.version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    else writeString(writer, this.compact, topic.topic);
    writeCount(writer, this.compact, topic.partitions.length);
    for (const partition of topic.partitions) this.writePartition(writer, partition);
    this.topicEdge.write(writer, topic);
  }

  private writePartition(writer: ByteWriter, partition: FetchRequestPartitionInput): void {
    const { version } = this;
    writer.writeInt32(partition.partition);
    if (version >= LEADER_EPOCH) writer.writeInt32(partition.currentLeaderEpoch ?? -1);
    writer.writeInt64(partition.fetchOffset);
    if (version >= FLEXIBLE) writer.writeInt32(partition.lastFetchedEpoch ?? -1);
    if (version >= LOG_START_OFFSET) writer.writeInt64(partition.logStartOffset ?? -1);
    writer.writeInt32(partition.partitionMaxBytes);
    this.partitionEdge.write(writer, partition);
  }

  private writeForgotten(writer: ByteWriter, topics: readonly ForgottenTopicInput[]): void {
    writeCount(writer, this.compact, topics.length);
    for (const topic of topics) {
      if (this.version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
      else writeString(writer, this.compact, topic.topic);
      writeInt32s(writer, this.compact, topic.partitions);
      this.forgottenEdge.write(writer, topic);
    }
  }
}
