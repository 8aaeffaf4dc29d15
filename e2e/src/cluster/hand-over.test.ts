import { Admin } from "@ottla/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses, SESSION_TIMEOUT_MS } from "../harness/cluster-processes.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { until } from "../harness/until.ts";
import { LeaderWatch } from "./leader-watch.ts";

const TOPIC = "orders";
const PARTITIONS = [...Array(30).keys()];
/** A controlled shutdown hands leadership over first. */
const HAND_OVER_MS_MAX = 300;
/**
 * ZooKeeper looks for sessions that have ended now and then only; after that there is an election. Less than the time until
 * a broker is missed by its heartbeats: it is `zookeeper.session.timeout.ms` that counts here.
 */
const ELECTION_MS_MAX = 600;

/** Without load: whoever leads answers at once, so that what is measured is the time without a leader. */
describe.skipIf(zooKeeperClassPath === null)("time without a leader", { timeout: 120_000 }, () => {
  let cluster: ClusterProcesses;
  let admin: Admin;
  let leaders: LeaderWatch;

  beforeAll(async () => {
    cluster = await ClusterProcesses.start();
    admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS.length }]);
    const ports = cluster.brokerIds.map((brokerId) => cluster.portOf(brokerId));
    leaders = new LeaderWatch(ports, [TOPIC], PARTITIONS);
    await until("every partition has been seen with a leader", () => leaders.seenCount === PARTITIONS.length);
  }, 60_000);
  afterAll(async () => {
    await leaders?.stop();
    await admin?.close();
    await cluster?.stop();
  });

  const partitions = async () => (await admin.describeTopics([TOPIC]))[0]!.partitions;

  /** @returns the longest time of a partition without a leader, less what the machine took for answers meanwhile */
  async function withoutLeaderMs(what: string, brokerId: number, end: () => Promise<void>): Promise<number> {
    const led = (await partitions()).filter(({ leader }) => leader === brokerId).length;
    expect(led, "partitions to be led by another one").toBeGreaterThan(0);
    leaders.takeLongestMs();
    leaders.takeLongestSilenceMs();
    await end();
    await until("others lead", async () =>
      (await partitions()).every(({ leader }) => ![brokerId, -1].includes(leader)),
    );
    // Until the last of the new leaders has been asked.
    await new Promise((resolve) => setTimeout(resolve, HAND_OVER_MS_MAX));
    const [longestMs, silentMs] = [leaders.takeLongestMs(), leaders.takeLongestSilenceMs()];
    console.log(
      `${what} of ${led} partitions: ${Math.round(longestMs)} ms without a leader, others took up to ${Math.round(silentMs)} ms to answer`,
    );
    return longestMs - silentMs;
  }

  async function startAgain(brokerId: number): Promise<void> {
    await cluster.startBroker(brokerId);
    await until("all are in sync", async () =>
      (await partitions()).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
    );
  }

  it(`is under ${HAND_OVER_MS_MAX} ms where a broker is stopped`, async () => {
    for (const brokerId of cluster.brokerIds) {
      const withoutMs = await withoutLeaderMs("shutdown", brokerId, () => cluster.stopBroker(brokerId));
      expect(withoutMs).toBeLessThan(HAND_OVER_MS_MAX);
      await startAgain(brokerId);
    }
  });

  it("is about the session's timeout where one is killed", async () => {
    // The one that was started again last leads nothing yet.
    const victim = (await partitions())[0]!.leader;
    const withoutMs = await withoutLeaderMs("kill -9", victim, () => cluster.killBroker(victim));
    expect(withoutMs).toBeLessThan(SESSION_TIMEOUT_MS + ELECTION_MS_MAX);
    await startAgain(victim);
  });
});
