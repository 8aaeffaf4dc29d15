import { ByteReader, ByteWriter, MalformedFrameError } from "@ottla/protocol/client";
import { groupByTopic, type TopicPartition } from "../../topic-partition.ts";
import { inJavaHashOrder } from "../order.ts";
import type { PreviousAssignment } from "./ownership.ts";

/** No generation known: version 0 has no such field. */
const NO_GENERATION = -1;

/** The least that a topic takes: its name's length and its count of partitions. */
const TOPIC_BYTES_MIN = 6;

/**
 * The sticky assignor's user data, version 1: what the member holds, by topic, and since which generation. Topics are
 * in the order in which the Java client writes them.
 */
export function encodeStickyUserData({ partitions, generationId }: PreviousAssignment): Uint8Array {
  const byTopic = groupByTopic(partitions);
  const writer = new ByteWriter();
  writer.writeInt32(byTopic.size);
  // Java fills this map with computeIfAbsent, which puts a key before those that it collides with.
  for (const [topic, list] of inJavaHashOrder([...byTopic].reverse(), ([name]) => name)) {
    writer.writeNullableString(topic);
    writer.writeInt32(list.length);
    for (const { partition } of list) writer.writeInt32(partition);
  }
  writer.writeInt32(generationId);
  return writer.toUint8Array();
}

/**
 * Reads versions 1 and 0 (which lacks the generation). Bytes that are neither come from a member whose past cannot be
 * told: it is treated as new, so that it does the group no harm.
 */
export function decodeStickyUserData(userData: Uint8Array | null): PreviousAssignment {
  if (userData === null) return { partitions: [], generationId: NO_GENERATION };
  try {
    const reader = new ByteReader(userData);
    const partitions = readPartitions(reader);
    return { partitions, generationId: reader.remaining >= 4 ? reader.readInt32() : NO_GENERATION };
  } catch (error) {
    if (!(error instanceof MalformedFrameError)) throw error;
    return { partitions: [], generationId: NO_GENERATION };
  }
}

function readPartitions(reader: ByteReader): TopicPartition[] {
  const partitions: TopicPartition[] = [];
  const topics = reader.readArrayLength(TOPIC_BYTES_MIN);
  for (let index = 0; index < topics; index++) {
    const topic = reader.readNullableString() ?? "";
    const count = reader.readArrayLength(4);
    for (let i = 0; i < count; i++) partitions.push({ topic, partition: reader.readInt32() });
  }
  return partitions;
}
