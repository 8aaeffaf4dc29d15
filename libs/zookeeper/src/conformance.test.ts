import { createSystemRuntime } from "@ottla/runtime";
import { describe, it } from "vitest";
import { type ConformanceHarness, zooKeeperConformance } from "./conformance.ts";
import type { ModelSession } from "./model/model-session.ts";
import { ZooKeeperModel } from "./model/zookeeper-model.ts";

/** Real servers run the same cases in the end-to-end tests. */
describe("the model of ZooKeeper", () => {
  for (const { name, run } of zooKeeperConformance) {
    it(name, async () => {
      const model = new ZooKeeperModel({ runtime: createSystemRuntime(), sessionTimeoutMs: 1000 });
      const harness: ConformanceHarness = {
        root: "/case",
        connect: async () => model.connect(),
        expire: async (client) => (client as ModelSession).expire(),
        breakConnection: (client) => (client as ModelSession).breakConnection(),
      };
      await model.connect().create("/case", new Uint8Array(0));
      await run(harness);
    });
  }
});
