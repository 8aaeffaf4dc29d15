import type { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { createMemoryDisk, type Disk } from "@ottla/runtime";
import { afterEach, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
let admin: Admin;
afterEach(() => cluster?.close());

async function copyOf(disk: Disk, to: Disk = createMemoryDisk(), directory = "/"): Promise<Disk> {
  for (const { name, isDirectory } of await disk.list(directory)) {
    const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
    if (isDirectory) {
      await to.makeDirectory(path);
      await copyOf(disk, to, path);
      continue;
    }
    const file = await to.open(path, { create: true });
    await file.write([await disk.readFile(path)], 0);
    await file.close();
  }
  return to;
}

it.each([
  ["an old copy of its disk, left by a clean stop", (old: Disk) => old],
  ["an empty disk", () => createMemoryDisk()],
])("a broker with %s is eligible nowhere, and nothing acknowledged is lost", async (_what, diskAfterwards) => {
  const disks = [createMemoryDisk() as Disk];
  const diskOf = (brokerId: number) => (brokerId === 2 ? disks : [createMemoryDisk()]);
  cluster = await startCluster({ brokers: 3, disks: diskOf, config: { "min.insync.replicas": 2 } });
  admin = await cluster.admin();
  // The third broker has no replica, and is there to ask.
  await admin.createTopics([{ name: "orders", assignments: [[1, 2]] }]);
  const partition = () => cluster.broker(3).broker.services.image.topicsByName.get("orders")!.partitions[0]!;
  await cluster.stop(2);
  const old = await copyOf(disks[0]!);
  await cluster.start(2);
  await until("both are in sync", () => partition().isr.length === 2);
  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
  await producer.send({ topic: "orders", partition: 0, value: "v" });
  await cluster.stop(2);
  await cluster.stop(1);
  await until("nobody leads, both are eligible", () => partition().eligibleLeaderReplicas.length === 2);
  disks[0] = diskAfterwards(old);
  await cluster.start(2);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(partition()).toMatchObject({ leader: -1, eligibleLeaderReplicas: [1] });
  await cluster.start(1);
  await until("the other one leads", () => partition().leader === 1);
  const { log } = cluster.broker(1).broker.services.partitions.get("orders", 0)!;
  expect(log.logEndOffset).toBe(1);
  await until("both are in sync again", () => partition().isr.length === 2);
  expect(cluster.broker(2).broker.services.partitions.get("orders", 0)!.log.logEndOffset).toBe(1);
});
