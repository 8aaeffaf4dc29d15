/** Hand-written codec of FetchResponse, which must do what the declaration says in every version. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { ZERO_UUID } from "../bytes/uuid.ts";
import type { Codec } from "../schema/codec.ts";
import { defaultOf } from "../schema/defaults.ts";
import {
  readCount,
  readNullableBytes,
  readNullableCount,
  readString,
  StructEdge,
  writeCount,
  writeNullableBytes,
  writeString,
} from "../schema/hand-written.ts";
import {
  type AbortedTransaction,
  abortedTransactionFields,
  type FetchResponse,
  type FetchResponseInput,
  type FetchResponsePartition,
  type FetchResponsePartitionInput,
  type FetchResponseTopic,
  type FetchResponseTopicInput,
  fetchResponseFields,
  fetchResponsePartitionFields,
  fetchResponseTopicFields,
} from "./fetch-fields.ts";

const LOG_START_OFFSET = 5;
const SESSION = 7;
const PREFERRED_REPLICA = 11;
const FLEXIBLE = 12;
const TOPIC_ID = 13;

const TOPIC_SIZE_BYTES_MIN = 2;
/** Index, error code and two offsets. */
const PARTITION_SIZE_BYTES_MIN = 22;
const ABORTED_TRANSACTION_SIZE_BYTES_MIN = 16;
const NONE: readonly never[] = /*#__PURE__*/ Object.freeze([]);

/** Codec of FetchResponse in one version. */
export class FetchResponseCodec implements Codec<FetchResponse, FetchResponseInput> {
  private readonly version: number;
  private readonly compact: boolean;
  private readonly edge: StructEdge;
  private readonly topicEdge: StructEdge;
  private readonly partitionEdge: StructEdge;
  private readonly transactionEdge: StructEdge;
  private readonly noDivergence: FetchResponsePartition["divergingEpoch"];
  private readonly noLeader: FetchResponsePartition["currentLeader"];
  private readonly noSnapshot: FetchResponsePartition["snapshotId"];

  constructor(version: number) {
    this.version = version;
    this.compact = version >= FLEXIBLE;
    this.edge = new StructEdge(fetchResponseFields, version, this.compact);
    this.topicEdge = new StructEdge(fetchResponseTopicFields, version, this.compact);
    this.partitionEdge = new StructEdge(fetchResponsePartitionFields, version, this.compact);
    this.transactionEdge = new StructEdge(abortedTransactionFields, version, this.compact);
    const { divergingEpoch, currentLeader, snapshotId } = fetchResponsePartitionFields;
    this.noDivergence = defaultOf(divergingEpoch) as FetchResponsePartition["divergingEpoch"];
    this.noLeader = defaultOf(currentLeader) as FetchResponsePartition["currentLeader"];
    this.noSnapshot = defaultOf(snapshotId) as FetchResponsePartition["snapshotId"];
  }

  read(reader: ByteReader): FetchResponse {
    const { version } = this;
    const value = {
      throttleTimeMs: reader.readInt32(),
      errorCode: version >= SESSION ? reader.readInt16() : 0,
      sessionId: version >= SESSION ? reader.readInt32() : 0,
      responses: this.readTopics(reader),
      nodeEndpoints: NONE,
    };
    this.edge.read(reader, value);
    return value;
  }

  private readTopics(reader: ByteReader): FetchResponseTopic[] {
    const byId = this.version >= TOPIC_ID;
    const count = readCount(reader, this.compact, TOPIC_SIZE_BYTES_MIN);
    const topics: FetchResponseTopic[] = [];
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

  private readPartitions(reader: ByteReader): FetchResponsePartition[] {
    const { version, compact, partitionEdge } = this;
    const count = readCount(reader, compact, PARTITION_SIZE_BYTES_MIN);
    const partitions: FetchResponsePartition[] = [];
    for (let index = 0; index < count; index++) {
      const partition = {
        partitionIndex: reader.readInt32(),
        errorCode: reader.readInt16(),
        highWatermark: reader.readInt64(),
        lastStableOffset: reader.readInt64(),
        logStartOffset: version >= LOG_START_OFFSET ? reader.readInt64() : -1,
        divergingEpoch: this.noDivergence,
        currentLeader: this.noLeader,
        snapshotId: this.noSnapshot,
        abortedTransactions: this.readAborted(reader),
        preferredReadReplica: version >= PREFERRED_REPLICA ? reader.readInt32() : -1,
        records: readNullableBytes(reader, compact),
      };
      partitionEdge.read(reader, partition);
      partitions.push(partition);
    }
    return partitions;
  }

  private readAborted(reader: ByteReader): AbortedTransaction[] | null {
    const count = readNullableCount(reader, this.compact, ABORTED_TRANSACTION_SIZE_BYTES_MIN);
    if (count < 0) return null;
    const transactions: AbortedTransaction[] = [];
    for (let index = 0; index < count; index++) {
      const transaction = { producerId: reader.readInt64(), firstOffset: reader.readInt64() };
      this.transactionEdge.read(reader, transaction);
      transactions.push(transaction);
    }
    return transactions;
  }

  write(writer: ByteWriter, value: FetchResponseInput): void {
    writer.writeInt32(value.throttleTimeMs);
    if (this.version >= SESSION) {
      writer.writeInt16(value.errorCode ?? 0);
      writer.writeInt32(value.sessionId ?? 0);
    }
    writeCount(writer, this.compact, value.responses.length);
    for (const topic of value.responses) this.writeTopic(writer, topic);
    this.edge.write(writer, value);
  }

  private writeTopic(writer: ByteWriter, topic: FetchResponseTopicInput): void {
    if (this.version >= TOPIC_ID) writer.writeUuid(topic.topicId ?? ZERO_UUID);
    else writeString(writer, this.compact, topic.topic);
    writeCount(writer, this.compact, topic.partitions.length);
    for (const partition of topic.partitions) this.writePartition(writer, partition);
    this.topicEdge.write(writer, topic);
  }

  private writePartition(writer: ByteWriter, partition: FetchResponsePartitionInput): void {
    const { version } = this;
    writer.writeInt32(partition.partitionIndex);
    writer.writeInt16(partition.errorCode);
    writer.writeInt64(partition.highWatermark);
    writer.writeInt64(partition.lastStableOffset ?? -1);
    if (version >= LOG_START_OFFSET) writer.writeInt64(partition.logStartOffset ?? -1);
    this.writeAborted(writer, partition.abortedTransactions);
    if (version >= PREFERRED_REPLICA) writer.writeInt32(partition.preferredReadReplica ?? -1);
    writeNullableBytes(writer, this.compact, partition.records);
    this.partitionEdge.write(writer, partition);
  }

  private writeAborted(writer: ByteWriter, transactions: readonly AbortedTransaction[] | null): void {
    if (transactions === null) {
      writeCount(writer, this.compact, -1);
      return;
    }
    writeCount(writer, this.compact, transactions.length);
    for (const transaction of transactions) {
      writer.writeInt64(transaction.producerId);
      writer.writeInt64(transaction.firstOffset);
      this.transactionEdge.write(writer, transaction);
    }
  }
}
