import { Consumer } from "@ottla/consumer";
import { partitionForGroup } from "@ottla/coordinator/internal";
import { afterEach, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

const OFFSETS_TOPIC = "__consumer_offsets";
const PARTITIONS = 2;

/** A group whose coordinator leads that partition of `__consumer_offsets`. */
function groupOf(partition: number): string {
  for (let number = 0; ; number++) {
    const group = `group-${number}`;
    if (partitionForGroup(group, PARTITIONS) === partition) return group;
  }
}

const imageOf = (partition: number) =>
  cluster.brokers[0]!.broker.services.image.topicsByName.get(OFFSETS_TOPIC)!.partitions[partition]!;

const committedAt = (offset: number) => [{ topic: "orders", partition: 0, offset, leaderEpoch: 0, metadata: "" }];

it("a coordinator takes along the groups of the partition that it comes to lead, and no others; back again it knows what another one has taken meanwhile", {
  timeout: 60_000,
}, async () => {
  const config = { "offsets.topic.num.partitions": PARTITIONS, "auto.leader.rebalance.enable": false };
  cluster = await startCluster({ brokers: 3, config });
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", partitions: 1 }]);
  const [moving, staying] = [groupOf(0), groupOf(1)];
  await admin.alterGroupOffsets(moving, committedAt(1));
  const { bootstrapServers } = cluster;
  await using consumer = new Consumer({ bootstrapServers, groupId: staying, autoOffsetReset: "earliest" });
  const generations: number[] = [];
  const left: string[] = [];
  consumer.on("assigned", ({ generationId }) => generations.push(generationId));
  for (const event of ["revoked", "lost"] as const) consumer.on(event, () => left.push(event));
  consumer.subscribe(["orders"]);
  const reading = consumer[Symbol.asyncIterator]().next();
  await until("the other group has its member", () => generations.length > 0);
  const { leader: leaderOfStaying, leaderEpoch: epochOfStaying } = imageOf(1);

  const { replicas, leader: first, leaderEpoch } = imageOf(0);
  const second = replicas.find((broker) => broker !== first)!;
  let committed = 1;
  for (const leader of [second, first, second, first]) {
    const others = replicas.filter((broker) => broker !== leader);
    await admin.alterPartitionReassignments([{ topic: OFFSETS_TOPIC, partition: 0, replicas: [leader, ...others] }]);
    await until("its replicas are in that order", () => imageOf(0).replicas[0] === leader);
    await admin.electLeaders("preferred", [{ topic: OFFSETS_TOPIC, partition: 0 }]);
    await until(`broker ${leader} leads`, () => imageOf(0).leader === leader);
    expect(await admin.listGroupOffsets(moving), `on broker ${leader}`).toEqual(committedAt(committed));
    await admin.alterGroupOffsets(moving, committedAt(++committed));
  }
  expect(imageOf(0).leaderEpoch).toBe(leaderEpoch + 4);
  expect(await admin.listGroupOffsets(moving)).toEqual(committedAt(committed));

  expect(imageOf(1)).toMatchObject({ leader: leaderOfStaying, leaderEpoch: epochOfStaying });
  expect({ generations: generations.length, left }).toEqual({ generations: 1, left: [] });
  await consumer.close();
  await reading;
});
