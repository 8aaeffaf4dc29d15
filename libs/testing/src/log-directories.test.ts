import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { createMemoryDisk, createSystemRuntime, type Disk, DiskError, type DiskFile } from "@ottla/runtime";
import { afterEach, expect, it } from "vitest";
import { readTopic } from "./read-topic.ts";
import { startCluster, type TestCluster } from "./test-cluster.ts";
import { until } from "./test-support/until.ts";

let cluster: TestCluster;
afterEach(() => cluster?.close());

/** A disk that fails when it is told to, until it is repaired. */
class BreakableDisk {
  isBroken = false;
  /** What goes on working: a disk may still list what it cannot give back. */
  readonly working = new Set<string>();
  readonly disk: Disk = this.#breakable(createMemoryDisk());

  #breakable<Target extends Disk | DiskFile>(target: Target): Target {
    return new Proxy(target, {
      get: (_, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function" || key === "readSync" || key === "close" || key === "lock")
          return typeof member === "function" ? member.bind(target) : member;
        return async (...args: unknown[]) => {
          if (this.isBroken && !this.working.has(String(key)))
            throw new DiskError("IO", "/", `${String(key)} fails on purpose`);
          const result: unknown = await member.apply(target, args);
          return key === "open" ? this.#breakable(result as DiskFile) : result;
        };
      },
    });
  }
}

const partitionsOf = (topic: string) =>
  cluster.broker(cluster.controllerId).broker.services.image.topicsByName.get(topic)!.partitions;

it("a log directory that fails moves leadership away, its replicas leave the ISRs, and nothing acknowledged is lost", async () => {
  const failing = new BreakableDisk();
  cluster = await startCluster({
    config: { "replica.lag.time.max.ms": 2_000 },
    disks: (brokerId) => [createMemoryDisk(), brokerId === 1 ? failing.disk : createMemoryDisk()],
  });
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", partitions: 6 }]);
  const { services } = cluster.broker(1).broker;
  const badId = cluster.broker(1).broker.services.image.brokers.get("1")!.logDirs[1]!;
  const isInBad = ({ replicas, directories }: Image) => directories[replicas.indexOf(1)] === badId;
  const inAll = [0, 1, 2, 3, 4, 5];
  type Image = ReturnType<typeof partitionsOf>[number];
  await until("where each replica lies is known", () =>
    partitionsOf("orders").every(({ directories }) => directories.every((id) => !/^A+$/.test(id))),
  );
  const inBad = partitionsOf("orders")
    .filter(isInBad)
    .map(({ partition }) => partition);
  expect(inBad).toHaveLength(3);

  await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, deliveryTimeoutMs: 60_000 });
  const send = (round: string) =>
    Promise.all(
      inAll.map((partition) => producer.send({ topic: "orders", partition, value: `${round} ${partition}` })),
    );
  await send("before");
  failing.isBroken = true;
  await send("while");
  await until("its replicas there are out of the ISRs, and lead nothing", () =>
    partitionsOf("orders").every(
      (each) =>
        each.leader > 0 &&
        (inBad.includes(each.partition) ? !each.isr.includes(1) && each.leader !== 1 : each.isr.includes(1)),
    ),
  );
  expect(services.image.brokers.get("1"), "the broker itself goes on").toMatchObject({ fenced: false });
  const described = await admin.describeTopics(["orders"]);
  const offline = described[0]!.partitions.filter(({ offlineReplicas }) => offlineReplicas.includes(1));
  expect(offline.map(({ partition }) => partition)).toEqual(inBad);

  failing.isBroken = false;
  await cluster.kill(1);
  await cluster.start(1);
  await send("after");
  await until("all replicas are in sync again", () => partitionsOf("orders").every(({ isr }) => isr.length === 3));
  await using consumer = new Consumer({ bootstrapServers: cluster.bootstrapServers });
  const { clock } = createSystemRuntime();
  const records = await readTopic(consumer, "orders", { count: 18, timeoutMs: 30_000 }, clock);
  const wanted = ["after", "before", "while"].flatMap((round) => inAll.map((partition) => `${round} ${partition}`));
  expect(records.map(({ value }) => value).sort()).toEqual(wanted.sort());
}, 90_000);

it("a broker of a cluster starts without its first log directory, which can be read but not opened", async () => {
  const failing = new BreakableDisk();
  for (const call of ["list", "stat", "readFile"]) failing.working.add(call);
  cluster = await startCluster({
    disks: (brokerId) => [brokerId === 1 ? failing.disk : createMemoryDisk(), createMemoryDisk()],
  });
  const admin = await cluster.admin();
  await admin.createTopics([{ name: "orders", partitions: 6 }]);
  const [firstId] = cluster.broker(1).broker.services.image.brokers.get("1")!.logDirs;
  await cluster.stop(1);
  failing.isBroken = true;
  await cluster.start(1);
  await until("it serves again", () => {
    const broker = cluster.broker(cluster.controllerId).broker.services.image.brokers.get("1")!;
    return !broker.fenced && broker.logDirs.length === 1 && broker.logDirs[0] !== firstId;
  });
  await until("its replicas in the other directory are in sync", () =>
    partitionsOf("orders").every(
      ({ isr, replicas, directories }) => isr.includes(1) === (directories[replicas.indexOf(1)] !== firstId),
    ),
  );
}, 60_000);
