import { Admin } from "@ottla/admin";
import type { LogFields, Logger } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import { ZOOKEEPER_ROOT } from "../simulated-zookeeper.ts";
import { Tally } from "../tally.ts";

const EPOCH = `${ZOOKEEPER_ROOT}/controller_epoch`;
const CORRUPT_EPOCH = `the znode ${EPOCH} does not hold`;
const STEPS_MAX = 600;

/** An operator who writes into znodes of a running cluster what does not belong there, and mends it. */
describe("a cluster whose znodes are written to from outside", () => {
  let world: SimulatedWorld;
  let cluster: SimulatedCluster;
  let admin: Admin;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    world = new SimulatedWorld({ seed: 1, tally: new Tally() });
    world.isFaulty = false;
    // Only the end of an announcement gets a broker fenced here.
    const config = { "broker.session.timeout.ms": 3_600_000, "auto.leader.rebalance.enable": false };
    cluster = new SimulatedCluster({ ...{ world, brokers: 3, config }, logger: loggerOf("") });
    await world.settle(cluster.start());
    admin = new Admin(world.operatorClient(cluster.bootstrapServers));
    await create("first");
  });
  afterEach(() => {
    world.operator.kill();
    cluster.killAll();
  });

  function loggerOf(broker: string): Logger {
    const ignore = () => {};
    return {
      ...{ debugEnabled: false, debug: ignore, info: ignore, warn: ignore },
      error: (message: string, fields: LogFields = {}) => void lines.push(`${broker}: ${message}: ${fields.err}`),
      child: (fields: LogFields) => loggerOf(String(fields.broker ?? broker)),
    };
  }

  const create = (name: string) => world.settle(admin.createTopics([{ name, partitions: 1 }], { timeoutMs: 5_000 }));
  const isRefused = (name: string) =>
    create(name).then(
      () => false,
      () => true,
    );

  async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let steps = 0; !(await condition()); steps++) {
      if (steps === STEPS_MAX) throw new Error(`it never came to pass: ${what}`);
      await world.step();
    }
  }

  /** Writes into a znode; resolves to what mends it. */
  async function write(path: string, value: string | null): Promise<() => Promise<void>> {
    const operator = cluster.zooKeeper!.model.connect();
    const { data } = await world.settle(operator.get(path));
    await world.settle(operator.set(path, value === null ? data : new TextEncoder().encode(value), -1));
    return async () => await world.settle(operator.set(path, data, -1));
  }

  const activeBrokers = () => {
    const brokers = [...cluster.running[0]!.services.image.brokers.values()];
    return brokers.flatMap(({ brokerId, fenced }) => (fenced ? [] : [brokerId])).sort();
  };
  const told = () => lines.filter((line) => line.includes(CORRUPT_EPOCH));

  it("decides on, when what was written into /controller_epoch is what was there", async () => {
    await write(EPOCH, null);
    await until("topics are created", async () => !(await isRefused("second")));
    expect(lines).toEqual([]);
  });

  it("changes nothing while /controller_epoch is corrupt, says why once, and goes on when it is mended", async () => {
    const mend = await write(EPOCH, "rubbish");
    for (let round = 0; round < 3; round++) expect(await isRefused("second")).toBe(true);
    await until("it is told of", () => told().length > 0);
    const brokers = told().map((line) => line.split(":")[0]);
    expect(brokers, "once by each broker").toEqual([...new Set(brokers)]);
    await mend();
    await until("topics are created", async () => !(await isRefused("third")));
    expect(activeBrokers()).toEqual([1, 2, 3]);
  });

  it("waits while it starts with a corrupt /controller_epoch, and has its brokers when it is mended", async () => {
    cluster.killAll();
    const mend = await write(EPOCH, "NaN");
    let started = 0;
    for (const broker of cluster.brokers) void broker.start().then(() => started++);
    await until("it is told of", () => told().length === 3);
    for (let steps = 0; steps < 20; steps++) await world.step();
    expect(started).toBe(0);
    await mend();
    await until("all have started", () => started === 3);
    expect(told()).toHaveLength(3);
  });

  it("finds out who is gone though another broker's announcement is corrupt, and leaves that one alone", async () => {
    const controllerId = cluster.running[0]!.services.controller.controllerId;
    const [intact, damaged] = [1, 2, 3].filter((id) => id !== controllerId);
    const path = `${ZOOKEEPER_ROOT}/brokers/ids/${damaged}`;
    const mend = await write(path, "rubbish");
    cluster.brokers[intact! - 1]!.kill();
    const others = [controllerId, damaged!].sort();
    await until("the one that is gone is fenced", () => !activeBrokers().includes(intact!));
    for (let steps = 0; steps < 50; steps++) await world.step();
    expect(activeBrokers()).toEqual(others);
    expect(lines.filter((line) => line.includes(`the znode ${path} does not hold`))).toHaveLength(1);
    await mend();
    await world.settle(cluster.brokers[intact! - 1]!.start());
    await until("it is back", () => activeBrokers().length === 3);
  });
});
