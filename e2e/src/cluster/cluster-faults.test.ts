import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { seededRandom } from "@ottla/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { external, kafkaClassPath, zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";
import { LeaderWatch } from "./leader-watch.ts";
import { goesOn, javaLoad, kafkajsLoad, kcatLoad, LOAD_PARTITIONS, type LoadClient, ourLoad } from "./load.ts";

const DEEP_ROUNDS = process.env.OTTLA_TEST_DEEP ? Number(process.env.OTTLA_TEST_FAULT_ROUNDS ?? 40) : 0;
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const TOPICS = ["ours", "kafkajs", "kcat", "java"];
/** Groups without members: what was committed for them once stays as it was. Enough for each partition of `__consumer_offsets`. */
const QUIET_GROUPS = Array.from({ length: 12 }, (_, index) => `quiet-${index}`);
/** Brokers have enough to do: what is measured is told, and nothing depends on it. */
const ASK_EVERY_MS = 50;
/** Longer than the sessions of {@link ClusterProcesses}. */
const SESSIONS_END_MS = 4_000;

/**
 * Faults of the short form; the long one has all. Brokers that are stopped and started one after another under load are in
 * `libs/testing/src/rolling-upgrade.test.ts`, as processes in `hand-over.test.ts`.
 */
const SHORT = new Set([
  "a leader is killed",
  "the controller is killed, and is back at once",
  "the controller stands still past its session",
  "all of ZooKeeper is away for a while",
  "a broker is cut off from the others",
  "all brokers are killed at once",
]);

const sleep = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

/** Other ones for each group, so that no group has another's. */
function quietOffsets(group: string) {
  const index = QUIET_GROUPS.indexOf(group);
  return Array.from({ length: LOAD_PARTITIONS }, (_, partition) => {
    return { topic: "ours", partition, offset: 10 * index + partition, leaderEpoch: 0, metadata: group };
  });
}

/** All that is in a topic, by partition. */
async function readBack(bootstrapServers: string, topic: string): Promise<Map<number, number[]>> {
  await using admin = new Admin({ bootstrapServers });
  const partitions = Array.from({ length: LOAD_PARTITIONS }, (_, partition) => ({ topic, partition }));
  const ends = await admin.listOffsets(partitions.map((each) => ({ ...each, spec: "latest" })));
  const values = new Map(partitions.map(({ partition }) => [partition, [] as number[]]));
  let left = ends.reduce((sum, { offset }) => sum + offset, 0);
  await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
  consumer.assign(partitions);
  for await (const { partition, value } of consumer) {
    values.get(partition)!.push(Number(value));
    if (--left === 0) break;
  }
  return values;
}

describe.skipIf(zooKeeperClassPath === null)(
  `three brokers on three ZooKeeper servers, under load (seed ${SEED})`,
  { timeout: 240_000 },
  () => {
    let cluster: ClusterProcesses;
    let admin: Admin;
    let loads: LoadClient[];
    let leaders: LeaderWatch;

    beforeAll(async () => {
      cluster = await ClusterProcesses.start({ servers: 3, cuttable: true });
      const { bootstrapServers } = cluster;
      admin = new Admin({ bootstrapServers });
      await admin.createTopics(TOPICS.map((name) => ({ name, partitions: LOAD_PARTITIONS })));
      loads = [ourLoad(bootstrapServers), await kafkajsLoad(bootstrapServers)];
      if (external.kcat !== null) loads.push(kcatLoad(bootstrapServers));
      if (kafkaClassPath !== null) loads.push(javaLoad(bootstrapServers));
      for (const group of QUIET_GROUPS) await admin.alterGroupOffsets(group, quietOffsets(group));
      await everybodyGoesOn();
      const ports = cluster.brokerIds.map((brokerId) => cluster.portOf(brokerId));
      leaders = new LeaderWatch(ports, TOPICS, [...Array(LOAD_PARTITIONS).keys()], ASK_EVERY_MS);
    }, 120_000);
    afterAll(async () => {
      cluster?.mend();
      await leaders?.stop();
      await Promise.all(loads?.map((load) => load.stop()) ?? []);
      await admin?.close();
      await cluster?.stop();
    }, 120_000);

    const everybodyGoesOn = () => Promise.all(loads.map((load) => goesOn(load)));
    const partitions = async () => (await admin.describeTopics(TOPICS)).flatMap((topic) => topic.partitions);
    const leaderOf = async (topic: string) => (await admin.describeTopics([topic]))[0]!.partitions[0]!.leader;
    const controllerId = async () => (await admin.describeCluster()).controllerId;
    const anotherThan = (brokerId: number) => cluster.brokerIds.find((id) => id !== brokerId)!;
    const allInSync = () =>
      until(
        "all replicas are in sync",
        async () => (await partitions()).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
        60_000,
      );
    /** What each group has committed that has members, which read on and commit on. */
    const committedOffsets = async () => {
      const offsets = new Map<string, number>();
      for (const topic of loads.map((load) => load.topic))
        for (const { partition, offset } of await admin.listGroupOffsets(topic))
          offsets.set(`${topic}-${partition}`, offset);
      return offsets;
    };
    const offsetsAreKept = async (before: ReadonlyMap<string, number>) => {
      for (const group of QUIET_GROUPS)
        expect(await admin.listGroupOffsets(group), `what was committed once for ${group}`).toEqual(
          quietOffsets(group),
        );
      const after = await committedOffsets();
      for (const [partition, offset] of before)
        expect(after.get(partition) ?? -1, `what was committed of ${partition}`).toBeGreaterThanOrEqual(offset);
      for (const { topic, record } of loads)
        expect(record.rewinds, `read again by ${topic} from before its commit`).toEqual([]);
    };

    /** Something happens; then everything goes on as before, and no group has lost its place. */
    async function survives(what: string, fault: () => Promise<void>): Promise<void> {
      const before = await committedOffsets();
      for (const { record } of loads) record.takeLongestPauseMs();
      await until(
        "every partition has been seen with a leader",
        () => leaders.seenCount === TOPICS.length * LOAD_PARTITIONS,
      );
      leaders.takeLongestMs();
      leaders.takeLongestSilenceMs();
      try {
        await fault();
        await everybodyGoesOn();
        await allInSync();
      } catch (error) {
        console.log(`${what}: ${cluster.lastWords}`);
        throw error;
      }
      await offsetsAreKept(before);
      const pauses = loads
        .filter(({ topic }) => topic !== "kcat")
        .map(({ topic, record }) => `${topic} ${Math.round(record.takeLongestPauseMs())}`);
      const withoutMs = Math.round(leaders.takeLongestMs());
      const silentMs = Math.round(leaders.takeLongestSilenceMs());
      console.log(`${what}: longest time of a partition without a leader: ${withoutMs} ms`);
      console.log(`${what}: longest that a leader which stayed took to answer: ${silentMs} ms`);
      console.log(`${what}: longest time without an acknowledgement, in ms: ${pauses.join(", ")}`);
    }

    /** Asks a broker other than the one that cannot answer. */
    async function anotherLeads(topic: string, than: number, partition = 0): Promise<void> {
      await using others = new Admin({ bootstrapServers: `localhost:${cluster.portOf(anotherThan(than))}` });
      await until("another leads", async () => {
        const [described] = await others.describeTopics([topic]);
        return ![than, -1].includes(described!.partitions[partition]!.leader);
      });
    }

    /** A partition that the controller does not lead, which decides who leads in its place. */
    async function ledByAnotherThanController() {
      const controller = await controllerId();
      for (const { name, partitions } of await admin.describeTopics(TOPICS))
        for (const { partition, leader } of partitions)
          if (leader >= 0 && leader !== controller) return { topic: name, partition, leader };
      throw new Error("the controller leads everything");
    }

    async function cutOffFromOthers(direction: "both" | "from"): Promise<void> {
      await admin.electLeaders("preferred", null);
      const { topic, partition, leader } = await ledByAnotherThanController();
      cluster.cutFromBrokers(leader, direction);
      await anotherLeads(topic, leader, partition);
      await everybodyGoesOn();
      cluster.mend();
    }

    const faults: Readonly<Record<string, () => Promise<void>>> = {
      "a rolling restart": async () => {
        for (const brokerId of cluster.brokerIds) {
          await cluster.stopBroker(brokerId);
          await cluster.startBroker(brokerId);
          await allInSync();
        }
      },
      "a leader is killed": async () => {
        const victim = await leaderOf("ours");
        await cluster.killBroker(victim);
        await anotherLeads("ours", victim);
        await everybodyGoesOn();
        await cluster.startBroker(victim);
      },
      "the controller is killed, and is back at once": async () => {
        const victim = await controllerId();
        await cluster.killBroker(victim);
        await cluster.startBroker(victim);
      },
      "the controller stands still past its session": async () => {
        const zombie = await controllerId();
        cluster.pauseBroker(zombie);
        for (const topic of TOPICS) await anotherLeads(topic, zombie);
        // kafkajs clings to a connection that is open and answers nothing.
        await Promise.all(loads.filter(({ topic }) => topic !== "kafkajs").map((load) => goesOn(load)));
        cluster.resumeBroker(zombie);
      },
      "the leading ZooKeeper server is killed": () => restartServer("leader"),
      "a following ZooKeeper server is killed": () => restartServer("follower"),
      "all of ZooKeeper is away for a while": async () => {
        const { ensemble } = cluster;
        for (const id of ensemble.serverIds) await ensemble.killServer(id);
        await everybodyGoesOn();
        for (const id of ensemble.serverIds) ensemble.startServer(id);
        await Promise.all(ensemble.serverIds.map((id) => ensemble.waitForServer(id)));
      },
      "a leader is cut off from ZooKeeper": async () => {
        const victim = await leaderOf("kafkajs");
        cluster.cutFromZooKeeper(victim);
        await anotherLeads("kafkajs", victim);
        await everybodyGoesOn();
        cluster.mend();
      },
      "the controller hears nothing of ZooKeeper": async () => {
        cluster.cutFromZooKeeper(await controllerId(), "from");
        await sleep(SESSIONS_END_MS);
        await everybodyGoesOn();
        cluster.mend();
      },
      "a broker is cut off from the others": () => cutOffFromOthers("both"),
      "a broker hears the others, and they do not hear it": () => cutOffFromOthers("from"),
      "all brokers are killed at once": async () => {
        await Promise.all(cluster.brokerIds.map((brokerId) => cluster.killBroker(brokerId)));
        await Promise.all(cluster.brokerIds.map((brokerId) => cluster.startBroker(brokerId)));
      },
    };

    async function restartServer(role: "leader" | "follower"): Promise<void> {
      const { ensemble } = cluster;
      const leaderId = await ensemble.leaderId();
      const id = role === "leader" ? leaderId : ensemble.serverIds.find((each) => each !== leaderId)!;
      await ensemble.killServer(id);
      await everybodyGoesOn();
      ensemble.startServer(id);
      await ensemble.waitForServer(id);
    }

    for (const [what, fault] of Object.entries(faults))
      if (DEEP_ROUNDS > 0 || SHORT.has(what)) it(`goes on: ${what}`, () => survives(what, fault));

    if (DEEP_ROUNDS > 0)
      it(
        `goes on through ${DEEP_ROUNDS} more faults`,
        async () => {
          const random = seededRandom(SEED);
          const names = Object.keys(faults);
          for (let round = 0; round < DEEP_ROUNDS; round++) {
            const what = names[random.nextInt(names.length)]!;
            await survives(`${round}. ${what}`, faults[what]!);
          }
        },
        DEEP_ROUNDS * 60_000,
      );

    it("has lost nothing that was acknowledged, has nothing twice, and everything in order", async () => {
      await Promise.all(loads.map((load) => load.stopWriting()));
      for (const { topic, record } of loads) {
        const values = await readBack(cluster.bootstrapServers, topic);
        const all = new Set([...values.values()].flat());
        console.log(`${topic}: ${record.acknowledged.size} acknowledged, ${all.size} there, ${record.readCount} read`);
        expect(record.failures, `what ${topic} was told`).toEqual([]);
        expect(record.acknowledged.size).toBeGreaterThan(100);
        const missing = [...record.acknowledged].filter((number) => !all.has(number));
        expect(missing, `acknowledged to ${topic}, and not there`).toEqual([]);
        for (const [partition, inPartition] of values) {
          const inOrder = [...new Set(inPartition)].sort((a, b) => a - b);
          expect(inPartition, `partition ${partition} of ${topic}: each once, in order`).toEqual(inOrder);
        }
        await until(`the group of ${topic} has read all`, () => record.highestRead >= Math.max(...all));
      }
    });
  },
);
