import { connectionOf } from "../connection.ts";
import { interruptSignal } from "../interrupt.ts";
import { Latencies } from "../latencies.ts";
import { startProgress } from "../progress.ts";
import { requireTopic } from "../with-admin.ts";
import { payloadOf, producerOptions, type WriteOptions } from "./options.ts";

/** Sends one record at a time and waits until it is read; prints what Kafka's tool prints. */
export async function perfLatency(topic: string, options: WriteOptions): Promise<void> {
  const signal = interruptSignal();
  await requireTopic(topic, options, signal);
  const [{ Producer }, { Consumer }] = await Promise.all([import("@ottla/producer"), import("@ottla/consumer")]);
  await using producer = new Producer({ ...(await producerOptions(options)), lingerMs: 0 });
  await using consumer = new Consumer({
    ...(await connectionOf(options)),
    fetchMaxWaitMs: 500,
  });
  const partitions = await consumer.partitionsFor(topic);
  consumer.assign(partitions);
  for (const { partition, offset } of await consumer.endOffsets(partitions))
    consumer.seek({ topic, partition }, offset);
  const reading = consumer.records({ signal });
  const latencies = new Latencies();
  const payload = payloadOf(options.recordSize, 1);
  const progress = startProgress({ isShown: true, total: options.numRecords, unit: "records" });
  for (let sent = 0; sent < options.numRecords && !signal.aborted; sent++) {
    progress.update(sent);
    const sentAtMs = performance.now();
    // Both at once: a record that was not written is never read, and why it was not is to be told.
    const [readAtMs] = await Promise.all([timeOfNext(reading), producer.send({ topic, value: payload })]);
    if (readAtMs === null) break;
    latencies.add(readAtMs - sentAtMs);
    if (!options.json && sent % 1_000 === 0) progress.write(`${sent}\t${(performance.now() - sentAtMs).toFixed(4)}\n`);
  }
  progress.stop();
  const [p50Ms, p99Ms, p999Ms] = latencies.percentiles([0.5, 0.99, 0.999]);
  const { count: records, avgMs } = latencies;
  if (options.json) process.stdout.write(`${JSON.stringify({ records, avgMs, p50Ms, p99Ms, p999Ms })}\n`);
  else {
    process.stdout.write(`Avg latency: ${avgMs.toFixed(4)} ms\n`);
    process.stdout.write(
      `Percentiles: 50th = ${p50Ms!.toFixed(2)}, 99th = ${p99Ms!.toFixed(2)}, 99.9th = ${p999Ms!.toFixed(2)}\n`,
    );
  }
}

/** When the next record was read; null where no more come. */
async function timeOfNext(reading: AsyncIterator<unknown>): Promise<number | null> {
  const { done } = await reading.next();
  return done ? null : performance.now();
}
