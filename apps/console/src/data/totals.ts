import type { ApiState, BrokerState } from "./broker-state.ts";

/** What the brokers say of themselves, taken together: sums of what is counted, the worst of what takes time. */
export interface Totals {
  readonly recordsIn: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly connectionsCount: number;
  readonly eventLoopDelayP99Ms: number;
  readonly apis: readonly ApiState[];
}

export function totalsOf(states: readonly BrokerState[]): Totals {
  const sum = (of: (state: BrokerState) => number) => states.reduce((total, state) => total + of(state), 0);
  return {
    recordsIn: sum(({ traffic }) => traffic.recordsIn),
    bytesIn: sum(({ traffic }) => traffic.bytesIn),
    bytesOut: sum(({ traffic }) => traffic.bytesOut),
    connectionsCount: sum(({ connectionsCount }) => connectionsCount),
    eventLoopDelayP99Ms: Math.max(0, ...states.map(({ process }) => process.eventLoopDelayP99Ms)),
    apis: apisOf(states.flatMap(({ apis }) => apis)),
  };
}

/** A percentile of several brokers cannot be computed from theirs; the slowest broker is what a client notices. */
function apisOf(states: readonly ApiState[]): ApiState[] {
  const byName = new Map<string, ApiState>();
  for (const api of states) {
    const other = byName.get(api.name);
    byName.set(api.name, other === undefined ? api : together(api, other));
  }
  return [...byName.values()];
}

function together(a: ApiState, b: ApiState): ApiState {
  return {
    name: a.name,
    count: a.count + b.count,
    p50Ms: Math.max(a.p50Ms, b.p50Ms),
    p99Ms: Math.max(a.p99Ms, b.p99Ms),
    p999Ms: Math.max(a.p999Ms, b.p999Ms),
    queueP99Ms: Math.max(a.queueP99Ms, b.queueP99Ms),
    requestBytes: a.requestBytes + b.requestBytes,
  };
}
