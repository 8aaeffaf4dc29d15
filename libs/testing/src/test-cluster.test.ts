import { Admin } from "@ottla/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";

describe("a cluster of three brokers in this process", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 3 });
  });
  afterAll(() => cluster?.close());

  /** An answer of one broker alone. */
  async function ask<T>(brokerId: number, question: (admin: Admin) => Promise<T>): Promise<T> {
    await using admin = new Admin({ bootstrapServers: cluster.broker(brokerId).bootstrapServers });
    return await question(admin);
  }

  it("is one cluster with one controller, as each broker says", async () => {
    const answers = await Promise.all([1, 2, 3].map((id) => ask(id, (admin) => admin.describeCluster())));
    for (const { clusterId, brokers, controllerId } of answers) {
      expect(clusterId).toBe(cluster.clusterId);
      expect(brokers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
      expect(controllerId).toBe(cluster.controllerId);
    }
  });

  it("creates topics through any broker, three replicas of each partition, leadership spread", async () => {
    for (const brokerId of [1, 2, 3]) {
      await ask(brokerId, (admin) => admin.createTopics([{ name: `by-${brokerId}`, partitions: 6 }]));
    }
    for (const brokerId of [1, 2, 3]) {
      const topics = await ask(brokerId, (admin) => admin.describeTopics(["by-1", "by-2", "by-3"]));
      expect(topics).toHaveLength(3);
      for (const { partitions } of topics) {
        expect(partitions).toHaveLength(6);
        for (const { replicas, inSyncReplicas, leader } of partitions) {
          expect([...replicas].sort()).toEqual([1, 2, 3]);
          expect([...inSyncReplicas].sort()).toEqual([1, 2, 3]);
          expect(leader).toBe(replicas[0]);
        }
        const led = new Map<number, number>();
        for (const { leader } of partitions) led.set(leader, (led.get(leader) ?? 0) + 1);
        expect([...led.values()]).toEqual([2, 2, 2]);
      }
    }
  });
});
