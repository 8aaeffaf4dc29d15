import { Consumer, type TopicPartition } from "@ottla/consumer";

/** One event for a page: `id` says where to go on after it. */
export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/**
 * The records of a topic as events, from now on, or from where the page was: the id of an event holds the next offset of
 * every partition, and a browser sends the last one it saw when it connects again.
 */
export async function* eventsOf(
  bootstrapServers: string,
  topic: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  // No group: each page reads all of the topic, and keeps its place itself.
  await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
  const partitions = await consumer.partitionsFor(topic, { signal });
  const next = parsePositions(lastEventId);
  consumer.assign(partitions);
  for (const at of partitions) {
    const offset = next.get(at.partition) ?? (await endOf(consumer, at));
    next.set(at.partition, offset);
    consumer.seek(at, offset);
  }
  for await (const { partition, offset, key, value } of consumer.records({ signal })) {
    next.set(partition, offset + 1);
    yield { id: formatPositions(next), data: JSON.stringify({ key, value }) };
  }
}

async function endOf(consumer: Consumer, partition: TopicPartition): Promise<number> {
  const [end] = await consumer.endOffsets([partition]);
  return end?.offset ?? 0;
}

function formatPositions(next: ReadonlyMap<number, number>): string {
  return [...next].map(([partition, offset]) => `${partition}:${offset}`).join(",");
}

/** What a client sends may be anything: what is no position is left out. */
function parsePositions(text = ""): Map<number, number> {
  const pairs = text.matchAll(/(?:^|,)(\d{1,9}):(\d{1,15})(?=,|$)/g);
  return new Map([...pairs].map(([, partition, offset]) => [Number(partition), Number(offset)]));
}
