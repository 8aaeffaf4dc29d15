import { afterEach, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

const CONFIG = { "leader.imbalance.check.interval.seconds": 1, "replica.lag.time.max.ms": 2_000 };

const partitions = () => {
  const running = cluster.brokers.find(({ isRunning }) => isRunning)!;
  return running.broker.services.image.topicsByName.get("orders")?.partitions ?? [];
};

const isLedBy = (leaders: readonly number[]) =>
  until(
    `leaders ${leaders.join()}`,
    () =>
      partitions()
        .map(({ leader }) => leader)
        .join() === leaders.join(),
  );

it("gives a broker that is back its leaderships again", { timeout: 60_000 }, async () => {
  cluster = await startCluster({ brokers: 3, config: CONFIG });
  const admin = await cluster.admin();
  const assignments = [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ];
  await admin.createTopics([{ name: "orders", assignments }]);
  await isLedBy([1, 2, 3]);
  for (const [victim, leaders] of [
    [1, [2, 2, 3]],
    [3, [1, 2, 1]],
  ] as const) {
    await cluster.kill(victim);
    await isLedBy(leaders);
    await cluster.start(victim);
    await isLedBy([1, 2, 3]);
  }
});

it("gives back the one that has wandered of many", { timeout: 60_000 }, async () => {
  cluster = await startCluster({ brokers: 2, config: CONFIG });
  const admin = await cluster.admin();
  const ofBroker2 = Array.from({ length: 20 }, () => [2, 1]);
  await admin.createTopics([{ name: "orders", assignments: [[1, 2], ...ofBroker2] }]);
  await isLedBy([1, ...ofBroker2.map(() => 2)]);
  await admin.alterPartitionReassignments([{ topic: "orders", partition: 0, replicas: [2, 1] }]);
  await isLedBy([2, ...ofBroker2.map(() => 2)]);
});
