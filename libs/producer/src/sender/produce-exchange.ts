import type { BrokerConnection } from "@ottla/client/internal";
import type { ProduceResponse, RequestInput } from "@ottla/protocol";
import { produceApi, ZERO_UUID } from "@ottla/protocol/client";
import type { PartitionQueue } from "../accumulator/partition-queue.ts";
import type { ProducerBatch } from "../accumulator/producer-batch.ts";
import type { ProducerSettings } from "../options.ts";

/** A batch that was taken from its queue to be sent. */
export interface TakenBatch {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
  /** The topic's id, all zeros where brokers have none. */
  readonly topicId: string;
}

export type PartitionResponse = ProduceResponse["responses"][number]["partitionResponses"][number];

/** From this version on Produce names topics by id only. */
const TOPIC_ID_VERSION = 13;

/** Sends batches of one broker in one request; at most one for each partition. Null: nothing was to be answered. */
export async function exchangeProduce(
  connection: BrokerConnection,
  taken: readonly TakenBatch[],
  settings: ProducerSettings,
  maxVersion: number | undefined,
): Promise<ProduceResponse | null> {
  const hasIds = taken.every(({ topicId }) => topicId !== ZERO_UUID);
  const version = connection.requestVersion(produceApi, maxVersion ?? (hasIds ? undefined : TOPIC_ID_VERSION - 1));
  const { acks, requestTimeoutMs, transactionalId } = settings;
  const body = { transactionalId, acks, timeoutMs: requestTimeoutMs, topicData: topicDataOf(taken) };
  if (acks !== 0) return await connection.request(produceApi, body, { version, timeoutMs: requestTimeoutMs });
  await connection.requestWithoutResponse(produceApi, body, { version });
  return null;
}

type TopicData = RequestInput<typeof produceApi>["topicData"][number];

function topicDataOf(taken: readonly TakenBatch[]): TopicData[] {
  const byTopic = new Map<
    string,
    { name: string; topicId: string; partitionData: { index: number; records: Uint8Array }[] }
  >();
  for (const { queue, batch, topicId } of taken) {
    let topic = byTopic.get(queue.topic);
    if (topic === undefined) {
      topic = { name: queue.topic, topicId, partitionData: [] };
      byTopic.set(queue.topic, topic);
    }
    topic.partitionData.push({ index: queue.partition, records: batch.encode() });
  }
  return [...byTopic.values()];
}

/** The answers about `taken`, in the same order; undefined where the broker said nothing of a batch. */
export function matchResponses(
  taken: readonly TakenBatch[],
  response: ProduceResponse,
): (PartitionResponse | undefined)[] {
  const byTopic = new Map<string, readonly PartitionResponse[]>();
  for (const { name, topicId, partitionResponses } of response.responses) {
    byTopic.set(topicId === ZERO_UUID ? name : topicId, partitionResponses);
  }
  return taken.map(({ queue, topicId }) => {
    const partitions = byTopic.get(queue.topic) ?? byTopic.get(topicId);
    return partitions?.find(({ index }) => index === queue.partition);
  });
}
