import { signal } from "@preact/signals";
import { admin, askBroker } from "../app/cluster.ts";
import { Series } from "../live/model/series.ts";
import type { BrokerState } from "./broker-state.ts";
import { Poller } from "./polled.ts";
import { Rates } from "./rates.ts";

const INTERVAL_MS = 1_000;

/** Ten minutes at a reading a second. */
const KEPT = 600;

/** The broker's own figures, read for as long as the page is open, so that charts have a past wherever one comes from. */
export const throughput = new Series(["recordsIn"] as const, KEPT);
export const bytes = new Series(["in", "out"] as const, KEPT);
export const latency = new Series(["produce", "fetch"] as const, KEPT);
export const load = new Series(["cpu", "delay"] as const, KEPT);

/** Goes up when the series have changed. */
export const frame = signal(0);

const rates = new Rates();

export const brokerState = new Poller<BrokerState>(async (aborted) => {
  const state = await askBroker<BrokerState>("state", aborted);
  take(state);
  return state;
}, INTERVAL_MS);

function take(state: BrokerState): void {
  const { traffic, process } = state;
  const counters = {
    recordsIn: traffic.recordsIn,
    in: traffic.bytesIn,
    out: traffic.bytesOut,
    cpu: process.cpuSeconds,
  };
  rates.update(state.atMs, new Map(Object.entries(counters)));
  const time = state.atMs / 1_000;
  const [recordsIn, bytesIn, bytesOut, cpu] = ["recordsIn", "in", "out", "cpu"].map((name) => rates.of(name));
  if (recordsIn !== undefined) throughput.set(time, { recordsIn });
  if (bytesIn !== undefined && bytesOut !== undefined) bytes.set(time, { in: bytesIn, out: bytesOut });
  const [produce, fetch] = ["Produce", "Fetch"].map((name) => state.apis.find((api) => api.name === name)?.p99Ms);
  if (produce !== undefined || fetch !== undefined) {
    latency.set(time, { ...(produce !== undefined && { produce }), ...(fetch !== undefined && { fetch }) });
  }
  if (cpu !== undefined) load.set(time, { cpu: cpu * 100, delay: process.eventLoopDelayP99Ms });
  frame.value++;
}

/** Whether the page has its broker. */
export const clusterState = new Poller(
  (signal) => admin.describeCluster({ signal, includeFencedBrokers: true }),
  5_000,
);
