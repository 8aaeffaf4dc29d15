import { Admin } from "@ottla/admin";
import type { LogFields, Logger } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SimulatedCluster, ZOOKEEPER_SESSION_MS } from "../simulated-cluster.ts";
import { SimulatedWorld, STEP_MS } from "../simulated-world.ts";
import { Tally } from "../tally.ts";

const TOPIC = "orders";
/** Longer than the sessions of brokers with ZooKeeper and with the controller together. */
const AWAY_MS = 4 * ZOOKEEPER_SESSION_MS;
/** Whatever was held up is done by then, and who were silent since would be fenced. */
const LATER_MS = 2 * ZOOKEEPER_SESSION_MS;
const NOBODY_IS_CONTROLLER = "a heartbeat was not answered";
const FENCED = "a broker is fenced";

/** Decision 0086: all of ZooKeeper away is something else than a broker that is cut off from it. */
describe("a cluster whose ZooKeeper is away as a whole", () => {
  let world: SimulatedWorld;
  let cluster: SimulatedCluster;
  let admin: Admin;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    world = new SimulatedWorld({ seed: 1, tally: new Tally() });
    world.isFaulty = false;
    const config = { "auto.leader.rebalance.enable": false };
    cluster = new SimulatedCluster({ world, brokers: 3, config, logger: loggerOf("") });
    await world.settle(cluster.start());
    admin = new Admin(world.operatorClient(cluster.bootstrapServers));
    await world.settle(
      admin.createTopics([
        { name: TOPIC, partitions: 3 },
        { name: "single", replicationFactor: 1 },
      ]),
    );
    await pass(LATER_MS);
    lines = [];
  });
  afterEach(() => {
    world.operator.kill();
    cluster.killAll();
  });

  function loggerOf(broker: string): Logger {
    const note = (message: string, { brokerId = "", err = "" }: LogFields = {}) =>
      void lines.push(`${broker}: ${message}: ${brokerId} ${err}`);
    return {
      ...{ debugEnabled: false, debug: () => {}, info: () => {}, warn: note, error: note },
      child: (fields: LogFields) => loggerOf(String(fields.broker ?? broker)),
    };
  }

  async function pass(durationMs: number): Promise<void> {
    for (let ms = 0; ms < durationMs; ms += STEP_MS) await world.step();
  }

  const saying = (message: string) => lines.filter((line) => line.includes(message));
  const controllerId = () => cluster.running[0]!.services.controller.controllerId;
  /** What each broker knows: who is fenced, who leads since when, who is in sync. */
  const state = () =>
    cluster.running.map(({ services: { image } }) => ({
      fenced: [...image.brokers.values()].flatMap(({ brokerId, fenced }) => (fenced ? [brokerId] : [])),
      partitions: [TOPIC, "single"].flatMap((name) =>
        image.topicsByName
          .get(name)!
          .partitions.map(({ leader, leaderEpoch, isr }) => `${leader}@${leaderEpoch} ${[...isr].sort()}`),
      ),
    }));

  it("fences nobody, answers every heartbeat, and is afterwards as it was before", async () => {
    const before = state();
    cluster.zooKeeper!.model.fail();
    await pass(AWAY_MS);
    cluster.zooKeeper!.model.recover();
    await pass(LATER_MS);
    expect(saying(FENCED)).toEqual([]);
    expect(saying(NOBODY_IS_CONTROLLER)).toEqual([]);
    expect(state()).toEqual(before);
  });

  it("answers every heartbeat although a change of the metadata waits for it", async () => {
    const before = state();
    cluster.zooKeeper!.model.fail();
    // Whether its asker is told in time is not what this is about.
    admin.createTopics([{ name: "late", partitions: 1 }]).catch(() => {});
    await pass(AWAY_MS);
    expect(saying(NOBODY_IS_CONTROLLER)).toEqual([]);
    cluster.zooKeeper!.model.recover();
    await pass(LATER_MS);
    expect(saying(FENCED)).toEqual([]);
    expect(state()).toEqual(before);
    expect(cluster.running[0]!.services.image.topicsByName.has("late")).toBe(true);
  });

  it("fences who was silent only for a part of it no more than who was heard of all the time", async () => {
    const before = state();
    const silent = [1, 2, 3].find((id) => id !== controllerId())!;
    cluster.zooKeeper!.model.fail();
    const resume = cluster.pauseUntil(cluster.brokers[silent - 1]!);
    await pass(AWAY_MS / 2);
    resume();
    await pass(AWAY_MS / 2);
    cluster.zooKeeper!.model.recover();
    await pass(LATER_MS);
    expect(saying(FENCED)).toEqual([]);
    expect(state()).toEqual(before);
  });

  it("fences who died meanwhile once it is back, within a session", async () => {
    const dead = [1, 2, 3].find((id) => id !== controllerId())!;
    cluster.zooKeeper!.model.fail();
    cluster.brokers[dead - 1]!.kill();
    await pass(AWAY_MS);
    expect(saying(FENCED)).toEqual([]);
    cluster.zooKeeper!.model.recover();
    await pass(LATER_MS);
    expect(saying(FENCED)).toHaveLength(1);
    expect(state().map(({ fenced }) => fenced)).toEqual([[dead], [dead]]);
  });
});
