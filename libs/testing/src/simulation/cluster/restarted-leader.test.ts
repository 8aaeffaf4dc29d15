import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Logger } from "@ottla/runtime";
import { expect, it } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import { Tally } from "../tally.ts";

const LOADED = "transactions are loaded";
const RECORDS = 2;

/** Keeps who has said that a coordinator is loaded, which is done by whoever leads. */
function whoLoads(loaded: unknown[], broker: unknown = null): Logger {
  const nothing = () => {};
  const info = (message: string) => void (message === LOADED && loaded.push(broker));
  const child = (fields: Readonly<Record<string, unknown>>) => whoLoads(loaded, fields.broker ?? broker);
  return { error: nothing, warn: nothing, info, debug: nothing, child, debugEnabled: false };
}

/**
 * It is back before anybody has noticed that it was away: by the metadata it leads, in the same epoch. Were it to, after a
 * power cut that took what it had not synced, it would give offsets of that epoch to other records than those that its
 * followers have.
 */
it("a leader that is killed and back at once leads nothing before it is registered in its new life", async () => {
  let silenced = "";
  const world = new SimulatedWorld({
    ...{ seed: 1, tally: new Tally() },
    fateOf: ({ apiName, client }) =>
      apiName === "BrokerRegistration" && client.name === silenced ? "lost" : "arrives",
  });
  const loaded: unknown[] = [];
  const config = {
    "transaction.state.log.num.partitions": 3,
    "auto.leader.rebalance.enable": false,
    // It knows all that it has to be committed, and waits for nobody.
    "replica.high.watermark.checkpoint.interval.ms": 100,
  };
  const cluster = new SimulatedCluster({ world, brokers: 3, config, logger: whoLoads(loaded) });
  await world.settle(cluster.start());
  const client = world.operatorClient(cluster.bootstrapServers);
  const admin = new Admin(client);
  await world.settle(admin.createTopics([{ name: "orders", partitions: 1 }]));
  for (let number = 0; number < 6; number++) {
    const producer = new Producer({ ...client, transactionalId: `t-${number}` });
    for (let sent = 0; sent < RECORDS; sent++)
      await world.settle(producer.transaction((tx) => tx.send({ topic: "orders", value: `${sent}` })));
    await world.settle(producer.close());
  }
  const controllerId = cluster.running[0]!.services.controller.controllerId;
  const leaders = new Set(
    cluster.running[0]!.services.image.topicsByName.get("__transaction_state")!.partitions.map(({ leader }) => leader),
  );
  const victim = cluster.brokers.find(({ broker }) => {
    const nodeId = broker!.services.nodeId;
    return nodeId !== controllerId && leaders.has(nodeId);
  })!;
  for (let step = 0; step < 10; step++) await world.step();
  silenced = victim.name;
  loaded.length = 0;
  // Nobody notices: neither that it was announced anew, nor that it would be registered.
  const controller = cluster.sessionOf(cluster.brokers[controllerId - 1])!;
  controller.partition();
  // What is read back shows whether it leads: so nothing is lost here.
  cluster.kill(victim, "process", 20);
  for (let step = 0; step < 20; step++) await world.step();
  expect(victim.process, "it is back").toBeDefined();
  expect(victim.broker, "and serves nobody").toBeUndefined();
  expect(loaded).not.toContain(victim.name);
  silenced = "";
  controller.heal();
  for (let step = 0; step < 100; step++) await world.step();
  expect(victim.broker).toBeDefined();
  world.operator.kill();
  cluster.killAll();
});
