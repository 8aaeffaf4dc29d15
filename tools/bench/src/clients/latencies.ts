import type { BenchClient } from "./bench-client.ts";
import type { LatencyTask } from "./protocol.ts";

/** How long each record took, in ms, in the order in which they came back. */
export function latencies(client: BenchClient, task: LatencyTask): Promise<number[]> {
  return task.ratePerSecond === 0 ? acknowledgements(client, task) : endToEnd(client, task);
}

/** From send to acknowledgement, one record at a time. */
async function acknowledgements(client: BenchClient, { topic, records }: LatencyTask): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < records; i++) {
    const startedMs = performance.now();
    await client.produceOne(topic, "v".repeat(100));
    taken.push(performance.now() - startedMs);
  }
  return taken;
}

/** From send to the consumer's hands, at a steady rate. Each value carries when it was due, so queues are not hidden. */
async function endToEnd(client: BenchClient, { topic, records, ratePerSecond }: LatencyTask): Promise<number[]> {
  const taken: number[] = [];
  const run = `${performance.now()}`;
  let finished = () => {};
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  await client.follow(topic, (value) => {
    const [id, dueMs] = String(value).split("|");
    if (id !== run) return;
    taken.push(performance.now() - Number(dueMs));
    if (taken.length === records) finished();
  });
  await client.produceOne(topic, "warm-up".padEnd(100));
  const startMs = performance.now() + 50;
  for (let sent = 0; sent < records; ) {
    const due = Math.min(records, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000) + 1);
    for (; sent < due; sent++) {
      const dueMs = startMs + (sent * 1000) / ratePerSecond;
      void client.produceOne(topic, `${run}|${dueMs}|`.padEnd(100));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  return taken;
}
