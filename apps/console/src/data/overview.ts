import { signal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { Series } from "../live/model/series.ts";
import type { BrokerState } from "./broker-state.ts";
import { askBrokers } from "./brokers.ts";
import { readPerSecond } from "./group-reads.ts";
import { Poller } from "./polled.ts";
import { SummedRates } from "./rates.ts";
import { totalsOf } from "./totals.ts";

const INTERVAL_MS = 1_000;

/** Ten minutes at a reading a second. */
const KEPT = 600;

/** The figures of all brokers together, read for as long as the page is open, so that charts have a past wherever one comes from. */
export const throughput = new Series(["recordsIn", "read"] as const, KEPT);
export const bytes = new Series(["in", "out"] as const, KEPT);
export const latency = new Series(["produce", "fetch"] as const, KEPT);
export const load = new Series(["cpu", "delay"] as const, KEPT);

/** Goes up when the series have changed. */
export const frame = signal(0);

const rates = new SummedRates();

/** What the brokers say of themselves, that of the page's own first. */
export const brokerStates = new Poller<readonly BrokerState[]>(async (aborted) => {
  const states = await askBrokers<BrokerState>("state", clusterState.value.peek()?.brokers ?? [], aborted);
  take(states);
  return states;
}, INTERVAL_MS);

function take(states: readonly BrokerState[]): void {
  rates.update(states.map(({ nodeId, atMs, ...state }) => ({ nodeId, atMs, counters: countersOf(state) })));
  const totals = totalsOf(states);
  const time = states[0]!.atMs / 1_000;
  const [recordsIn, bytesIn, bytesOut, cpu] = ["recordsIn", "in", "out", "cpu"].map((name) => rates.of(name));
  const read = readPerSecond.peek();
  if (recordsIn !== undefined) throughput.set(time, { recordsIn, ...(read !== undefined && { read }) });
  if (bytesIn !== undefined && bytesOut !== undefined) bytes.set(time, { in: bytesIn, out: bytesOut });
  const [produce, fetch] = ["Produce", "Fetch"].map((name) => totals.apis.find((api) => api.name === name)?.p99Ms);
  if (produce !== undefined || fetch !== undefined) {
    latency.set(time, { ...(produce !== undefined && { produce }), ...(fetch !== undefined && { fetch }) });
  }
  if (cpu !== undefined) load.set(time, { cpu: cpu * 100, delay: totals.eventLoopDelayP99Ms });
  frame.value++;
}

function countersOf({ traffic, process }: Pick<BrokerState, "traffic" | "process">): ReadonlyMap<string, number> {
  return new Map([
    ["recordsIn", traffic.recordsIn],
    ["in", traffic.bytesIn],
    ["out", traffic.bytesOut],
    ["cpu", process.cpuSeconds],
  ]);
}

/** Whether the page has its broker. */
export const clusterState = new Poller(
  (signal) => admin.describeCluster({ signal, includeFencedBrokers: true }),
  5_000,
);
