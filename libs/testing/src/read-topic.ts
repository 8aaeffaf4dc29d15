import type { Consumer, ConsumerBatch, ConsumerOptions, OffsetAndTimestamp } from "@ottla/consumer";
import type { Clock } from "@ottla/runtime";
import { byPosition, type TestRecord, toTestRecord } from "./test-record.ts";

/** How a topic is read. */
export interface ReadTopicOptions<K = string | null, V = string | null>
  extends Pick<ConsumerOptions<K, V>, "keyDeserializer" | "valueDeserializer" | "isolationLevel"> {
  /** Waits until there are so many records. Default: takes what there is. */
  readonly count?: number;
  /** How long that may take. Default 5,000. */
  readonly timeoutMs?: number;
}

export const READ_TIMEOUT_MS = 5_000;

/** How often is asked whether all is read: what is not handed out (control records) moves a position, too. */
const CHECK_INTERVAL_MS = 20;

/**
 * Reads a topic from its beginning: to its end of this moment, or until it holds `count` records.
 * @throws Error that shows what there was instead when the time is over
 */
export async function readTopic<K, V>(
  consumer: Consumer<K, V>,
  topic: string,
  { count, timeoutMs = READ_TIMEOUT_MS }: ReadTopicOptions<K, V>,
  clock: Clock,
): Promise<TestRecord<K, V>[]> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const records: TestRecord<K, V>[] = [];
  const partitions = await partitionsOf(consumer, topic, timeoutMs, count);
  consumer.assign(partitions);
  consumer.seekToBeginning(partitions);
  const ends = count === undefined ? await consumer.endOffsets(partitions, { timeoutMs }) : [];
  const leftMs = () => Math.max(1, deadlineMs - clock.monotonicMs());
  const isComplete = () => (count === undefined ? isReadTo(consumer, ends, leftMs()) : records.length >= count);
  while (!(await isComplete())) {
    if (clock.monotonicMs() >= deadlineMs) throw notInTime(topic, records, count, timeoutMs);
    for (const record of (await nextBatch(consumer)) ?? []) records.push(toTestRecord(record));
  }
  return records.sort(byPosition);
}

async function partitionsOf<K, V>(
  consumer: Consumer<K, V>,
  topic: string,
  timeoutMs: number,
  count: number | undefined,
) {
  try {
    return await consumer.partitionsFor(topic, { timeoutMs });
  } catch (cause) {
    throw notInTime(topic, [], count, timeoutMs, cause);
  }
}

async function isReadTo<K, V>(
  consumer: Consumer<K, V>,
  ends: readonly OffsetAndTimestamp[],
  timeoutMs: number,
): Promise<boolean> {
  for (const end of ends) if ((await consumer.position(end, { timeoutMs })) < end.offset) return false;
  return true;
}

/** What comes within the check interval; undefined if nothing does. */
async function nextBatch<K, V>(consumer: Consumer<K, V>): Promise<ConsumerBatch<K, V> | undefined> {
  const signal = AbortSignal.timeout(CHECK_INTERVAL_MS);
  const batches = consumer.batches({ signal });
  try {
    const { done, value } = await batches.next();
    return done ? undefined : value;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    await batches.return?.();
  }
}

function notInTime(
  topic: string,
  records: readonly unknown[],
  count: number | undefined,
  timeoutMs: number,
  cause?: unknown,
): Error {
  const expected = count === undefined ? "it could not be read to its end" : `${count} were expected`;
  const found = records.length === 0 ? "" : `:\n${records.map((record) => `  ${JSON.stringify(record)}`).join("\n")}`;
  const held = `${records.length} record${records.length === 1 ? "" : "s"}`;
  return new Error(`After ${timeoutMs} ms topic "${topic}" holds ${held}, ${expected}${found}`, { cause });
}
