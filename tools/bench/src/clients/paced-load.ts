import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { RECORD_KEY, recordValues } from "./bench-client.ts";
import type { FollowTask, PacedTask } from "./protocol.ts";

/** The first record of each array carries when it was due; it is as long as the others. */
const STAMP = "due:";
const RECORDS_PER_CALL = 1_000;

/** Milliseconds on a clock that all processes of the machine share. */
function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Produces arrays at a steady rate, as long as it can: who falls behind sends as fast as the broker takes it. */
export async function producePaced(bootstrapServers: string, task: PacedTask): Promise<number> {
  const { topic, partitions, recordsPerSecond, durationMs, recordBytes } = task;
  await using producer = new Producer({ bootstrapServers, acks: "all" });
  const values = recordValues(recordBytes);
  const records = values.map((value) => ({ topic, key: RECORD_KEY, value, partition: 0 }));
  const calls = Math.ceil((recordsPerSecond * durationMs) / 1_000 / RECORDS_PER_CALL);
  const startMs = sharedNowMs() + 50;
  const endMs = startMs + durationMs;
  const underWay = new Set<Promise<unknown>>();
  let sent = 0;
  for (let call = 0; call < calls && sharedNowMs() < endMs; call++) {
    const dueMs = startMs + (call * RECORDS_PER_CALL * 1_000) / recordsPerSecond;
    while (sharedNowMs() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
    const partition = call % partitions;
    const stamped = { topic, key: RECORD_KEY, value: `${STAMP}${dueMs}`.padEnd(values[0]!.length), partition };
    const array = [stamped, ...records.slice(1, RECORDS_PER_CALL).map((record) => ({ ...record, partition }))];
    const sending = producer.send(array).finally(() => underWay.delete(sending));
    underWay.add(sending);
    sent += array.length;
    if (underWay.size >= task.callsInFlight) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return sent;
}

/** Reads what is written meanwhile, until nothing has come for `quietMs`: how many records, and how long they took. */
export async function followPaced(bootstrapServers: string, { topic, partitions, quietMs }: FollowTask) {
  const consumer = new Consumer({ bootstrapServers, autoOffsetReset: "latest" });
  const assigned = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  consumer.assign(assigned);
  for (const partition of assigned) await consumer.position(partition);
  process.send?.("following");
  const latenciesMs: number[] = [];
  let seen = 0;
  let touched = 0;
  let firstAtMs = 0;
  let lastAtMs = 0;
  const timer = setInterval(() => {
    if (seen > 0 && performance.now() - lastAtMs > quietMs) void consumer.close();
  }, 100);
  try {
    for await (const batch of consumer.batches()) {
      lastAtMs = performance.now();
      firstAtMs ||= lastAtMs;
      for (const record of batch) {
        seen++;
        touched += record.valueBytes?.length ?? 0;
        // A colon at the fourth place: no other value has one there.
        if (record.valueBytes?.[STAMP.length - 1] === 0x3a && record.valueBytes[0] === 0x64) {
          latenciesMs.push(sharedNowMs() - Number(String(record.value).slice(STAMP.length)));
        }
      }
    }
  } catch (error) {
    if (seen === 0) throw error; // else closed under it
  } finally {
    clearInterval(timer);
  }
  if (touched === 0) throw new Error("nothing was read");
  return { elapsedMs: lastAtMs - firstAtMs, records: seen, latenciesMs };
}
