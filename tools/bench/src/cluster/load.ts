import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Measurement } from "../harness/scenario.ts";
import type { BenchCluster } from "../processes/cluster.ts";

/** Of the topics that are written to. */
export const PARTITIONS = 6;
export const VALUE = "v".repeat(100);

const RECORDS_PER_CALL = 1_000;
const CALLS_IN_FLIGHT = 4;

export const adminOf = ({ bootstrapServers }: BenchCluster): Admin =>
  new Admin({ bootstrapServers, defaultApiTimeoutMs: 120_000 });

/** Sends so many records, a few calls at a time. */
export async function produce(producer: Producer, topic: string, records: number, value: string): Promise<void> {
  let left = records;
  const worker = async () => {
    while (left > 0) {
      const length = Math.min(RECORDS_PER_CALL, left);
      left -= length;
      await producer.send(Array.from({ length }, (_, i) => ({ topic, partition: i % PARTITIONS, value })));
    }
  };
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, worker));
}

/** One record after another, while `isMore` of those sent: how long each takes to be on two brokers of three. */
export async function oneAfterAnother(
  { bootstrapServers }: BenchCluster,
  topic: string,
  isMore: (sent: number) => boolean,
): Promise<Measurement> {
  await using producer = new Producer({ bootstrapServers, acks: "all", lingerMs: 0 });
  const elapsedMs: number[] = [];
  while (isMore(elapsedMs.length)) {
    const startedMs = performance.now();
    await producer.send({ topic, partition: elapsedMs.length % PARTITIONS, value: VALUE });
    elapsedMs.push(performance.now() - startedMs);
  }
  elapsedMs.sort((a, b) => a - b);
  const at = (share: number) => elapsedMs[Math.min(elapsedMs.length - 1, Math.floor(elapsedMs.length * share))]!;
  return { figure: at(0.99), latencyMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999) } };
}
