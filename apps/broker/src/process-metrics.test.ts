import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { ProcessMetrics } from "./process-metrics.ts";

const NETWORK = "kafka_network_socketserver_networkprocessoravgidlepercent";
const HANDLERS = "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_count";
const NS_PER_MS = 1e6;

it("tells how much the event loop is idle, under the names of Kafka's thread pools", async () => {
  const metrics = new ProcessMetrics();
  onTestFinished(() => metrics.close());
  const value = (name: string) => {
    const family = [...metrics.families()].find((one) => one.name === name)!;
    return [...family.samples][0]!.value;
  };
  const before = value(HANDLERS);
  await pause(100);
  const idleNs = value(HANDLERS) - before;
  expect(idleNs).toBeGreaterThan(20 * NS_PER_MS);
  const idleShare = value(NETWORK);
  expect(idleShare).toBeGreaterThan(0.2);
  expect(idleShare).toBeLessThanOrEqual(1);

  const busyUntil = performance.now() + 200;
  while (performance.now() < busyUntil);
  expect(value(HANDLERS) - before - idleNs).toBeLessThan(50 * NS_PER_MS);
  expect(value(NETWORK)).toBeLessThan(idleShare);
});
