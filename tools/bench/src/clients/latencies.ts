import type { BenchClient } from "./bench-client.ts";
import { paced } from "./metronome.ts";
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

/**
 * From send to the consumer's hands, at a steady rate. Each value carries the tick of the metronome that it was sent at:
 * what is sent late because the client is busy counts as late.
 */
async function endToEnd(client: BenchClient, { topic, records, ratePerSecond }: LatencyTask): Promise<number[]> {
  const taken: number[] = [];
  const run = `${performance.now()}`;
  let finished = () => {};
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const stopFollowing = await client.follow(topic, (value) => {
    const [id, tickMs] = String(value).split("|");
    if (id !== run) return;
    taken.push(performance.now() - Number(tickMs));
    if (taken.length === records) finished();
  });
  await client.produceOne(topic, "warm-up".padEnd(100));
  await paced(records, ratePerSecond, (tickMs) => {
    void client.produceOne(topic, `${run}|${tickMs}|`.padEnd(100));
  });
  await done;
  // Or the next repetition would be followed by two.
  await stopFollowing();
  return taken;
}
