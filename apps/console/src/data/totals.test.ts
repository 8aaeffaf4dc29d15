import { expect, it } from "vitest";
import type { ApiState, BrokerState } from "./broker-state.ts";
import { totalsOf } from "./totals.ts";

const api = (name: string, count: number, p99Ms: number): ApiState => {
  return { name, count, p50Ms: 1, p99Ms, p999Ms: p99Ms, queueP99Ms: 0, requestBytes: count };
};
const state = (recordsIn: number, delayMs: number, apis: readonly ApiState[]) =>
  ({
    traffic: { recordsIn, bytesIn: recordsIn * 10, bytesOut: 1 },
    connectionsCount: 2,
    process: { eventLoopDelayP99Ms: delayMs },
    apis,
  }) as BrokerState;

it("what is counted is added up, of what takes time the worst counts", () => {
  const states = [state(3, 5, [api("Produce", 4, 7)]), state(4, 2, [api("Produce", 1, 9), api("Fetch", 1, 1)])];
  expect(totalsOf(states)).toMatchObject({
    ...{ recordsIn: 7, bytesIn: 70, bytesOut: 2, connectionsCount: 4, eventLoopDelayP99Ms: 5 },
    apis: [
      { name: "Produce", count: 5, p99Ms: 9, requestBytes: 5 },
      { name: "Fetch", count: 1, p99Ms: 1 },
    ],
  });
  expect(totalsOf([])).toMatchObject({ recordsIn: 0, apis: [] });
});
