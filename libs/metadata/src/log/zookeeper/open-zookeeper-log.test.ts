import { createSimulatedRuntime, silentLogger } from "@ottla/runtime";
import { expect, it } from "vitest";
import { openZooKeeperMetadataLog } from "./open-zookeeper-log.ts";

it("says after two seconds that no server answers, and again each time the configured time has passed", async () => {
  const said: string[] = [];
  const runtime = createSimulatedRuntime(1, {
    logger: { ...silentLogger, warn: (message) => void said.push(message) },
  });
  // No refusal either, as where a firewall drops what is sent.
  const connector = { connect: () => new Promise<never>(() => {}) };
  const times = { sessionTimeoutMs: 18_000, connectionTimeoutMs: 18_000 };
  openZooKeeperMetadataLog({ connect: "zk.example:2181", ...times, connector, runtime }).catch(() => {});
  await runtime.advance(1_990);
  expect(said).toEqual([]);
  await runtime.advance(20);
  expect(said).toEqual([expect.stringMatching(/2000 ms.*trying again until one answers \(zookeeper\.connect\)$/)]);
  await runtime.advance(17_000);
  expect(said).toHaveLength(1);
  await runtime.advance(1_000);
  expect(said).toHaveLength(2);
});
