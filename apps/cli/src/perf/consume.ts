import { type ConnectionOptions, connectionOf } from "../connection.ts";
import { interruptSignal } from "../interrupt.ts";
import { startProgress } from "../progress.ts";
import { requireTopic } from "../with-admin.ts";
import { MEBIBYTE } from "./options.ts";

interface ConsumeOptions extends ConnectionOptions {
  readonly numRecords: number;
  readonly timeout: number;
  readonly json?: boolean;
}

const HEADER =
  "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec";

/** Reads a topic from its beginning in a group of its own, and prints the table of Kafka's tool. */
export async function perfConsume(topic: string, options: ConsumeOptions): Promise<void> {
  const signal = interruptSignal();
  await requireTopic(topic, options, signal);
  const { Consumer } = await import("@ottla/consumer");
  const startedAt = new Date();
  const startedAtMs = performance.now();
  let assignedAtMs = startedAtMs;
  let records = 0;
  let sizeBytes = 0;
  const consumer = new Consumer({
    ...(await connectionOf(options)),
    groupId: `perf-consumer-${process.pid}-${startedAt.getTime()}`,
    topics: [topic],
    autoOffsetReset: "earliest",
    autoCommit: false,
    allowAutoCreateTopics: false,
    rebalanceListener: {
      onAssigned() {
        assignedAtMs = performance.now();
      },
    },
  });
  const idle = new AbortController();
  const progress = startProgress({ isShown: true, total: options.numRecords, unit: "records" });
  let timer = setTimeout(() => idle.abort(), options.timeout * 1_000);
  // So long nothing came: that is an end, and no failure.
  const isIdle = () => idle.signal.aborted && !signal.aborted;
  try {
    for await (const batch of consumer.batches({ signal: AbortSignal.any([signal, idle.signal]) })) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), options.timeout * 1_000);
      for (const record of batch) sizeBytes += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0);
      records += batch.size;
      progress.update(Math.min(records, options.numRecords));
      if (records >= options.numRecords) break;
    }
  } catch (error) {
    if (!isIdle()) throw error;
  } finally {
    clearTimeout(timer);
    progress.stop();
    await consumer.close();
  }
  const elapsedMs = performance.now() - startedAtMs;
  if (isIdle()) {
    process.stderr.write(
      `ottla: ${records} of ${options.numRecords} records came; then nothing for ${options.timeout} s\n`,
    );
  }
  print({ startedAt, elapsedMs, rebalanceMs: assignedAtMs - startedAtMs, records, sizeBytes }, options.json ?? false);
}

interface Consumed {
  readonly startedAt: Date;
  readonly elapsedMs: number;
  readonly rebalanceMs: number;
  readonly records: number;
  readonly sizeBytes: number;
}

function print({ startedAt, elapsedMs, rebalanceMs, records, sizeBytes }: Consumed, json: boolean): void {
  const fetchMs = Math.max(1, elapsedMs - rebalanceMs);
  const mebibytes = sizeBytes / MEBIBYTE;
  const perSecond = (amount: number, ms: number) => (amount * 1_000) / ms;
  if (json) {
    const recordsPerSecond = perSecond(records, elapsedMs);
    const mebibytesPerSecond = perSecond(mebibytes, elapsedMs);
    process.stdout.write(
      `${JSON.stringify({ records, mebibytes, recordsPerSecond, mebibytesPerSecond, rebalanceMs, fetchMs })}\n`,
    );
    return;
  }
  const row = [
    kafkaTime(startedAt),
    kafkaTime(new Date(startedAt.getTime() + elapsedMs)),
    mebibytes.toFixed(4),
    perSecond(mebibytes, elapsedMs).toFixed(4),
    records,
    perSecond(records, elapsedMs).toFixed(4),
    Math.round(rebalanceMs),
    Math.round(fetchMs),
    perSecond(mebibytes, fetchMs).toFixed(4),
    perSecond(records, fetchMs).toFixed(4),
  ];
  process.stdout.write(`${HEADER}\n${row.join(", ")}\n`);
}

/** `2026-01-31 12:00:00:123`, as Kafka's tool writes it. */
function kafkaTime(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").replace("Z", "").replace(".", ":");
}
