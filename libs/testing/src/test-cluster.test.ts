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

  it("moves the replicas of a partition where it is told to, from the admin of any broker", async () => {
    await ask(1, (admin) => admin.createTopics([{ name: "moving", assignments: [[1], [2]] }]));
    const replicasNow = () =>
      ask(3, async (admin) => (await admin.describeTopics(["moving"]))[0]!.partitions.map(({ replicas }) => replicas));
    await ask(2, (admin) => admin.alterPartitionReassignments([{ topic: "moving", partition: 0, replicas: [3, 2] }]));
    await expect.poll(replicasNow, { timeout: 10_000 }).toEqual([[3, 2], [2]]);
    expect(await ask(1, (admin) => admin.listPartitionReassignments())).toEqual([]);
    const refused = (replicas: number[] | null) =>
      ask(2, (admin) =>
        admin.alterPartitionReassignments([{ topic: "moving", partition: 1, replicas }]).catch(({ code }) => code),
      );
    expect(await refused(null)).toBe("NO_REASSIGNMENT_IN_PROGRESS");
    expect(await refused([9])).toBe("INVALID_REPLICA_ASSIGNMENT");
  });

  it("gives each broker one address, whichever of them is asked, and by whichever name", async () => {
    const addresses = async (bootstrapServers: string) => {
      await using admin = new Admin({ bootstrapServers });
      const { brokers } = await admin.describeCluster();
      return brokers.map(({ id, address }) => `${id} ${address.host}:${address.port}`).sort();
    };
    const expected = cluster.brokers.map(({ brokerId, bootstrapServers }) => `${brokerId} ${bootstrapServers}`);
    for (const { bootstrapServers } of cluster.brokers) {
      expect(await addresses(bootstrapServers)).toEqual(expected);
      expect(await addresses(bootstrapServers.replace("localhost", "127.0.0.1"))).toEqual(expected);
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

it("brokers come back on their ports, killed or stopped, and tell clients of the same addresses", async () => {
  await using cluster = await startCluster({ brokers: 2 });
  const admin = await cluster.admin();
  const registered = async () =>
    (await admin.describeCluster()).brokers.map(({ id, address }) => `${id} ${address.host}:${address.port}`).sort();
  const before = cluster.brokers.map(({ brokerId, bootstrapServers }) => `${brokerId} ${bootstrapServers}`);
  expect(new Set(before.map((each) => each.split(":")[1])).size).toBe(2);
  for (const how of ["kill", "stop"] as const) {
    await cluster[how](2);
    await cluster.start(2);
    const after = cluster.brokers.map(({ brokerId, bootstrapServers }) => `${brokerId} ${bootstrapServers}`);
    expect(after, how).toEqual(before);
    await expect.poll(registered, { message: how, timeout: 10_000 }).toEqual(before);
    await using own = new Admin({ bootstrapServers: before[1]!.slice("2 ".length) });
    expect((await own.describeCluster()).clusterId).toBe(cluster.clusterId);
  }
});

it.each([
  [{ broker: 3 }, "startCluster: there is no option broker; they are brokers, config"],
  [{ brokers: "3" }, 'startCluster: brokers is "3"; it must be a whole number above 0'],
  [{ brokers: 0 }, "brokers is 0"],
  [{ brokerConfig: {} }, "brokerConfig is an object; it must be a function"],
])("a cluster does not start with %j", async (options, message) => {
  await expect(startCluster(options as never)).rejects.toThrow(message);
});
