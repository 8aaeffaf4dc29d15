import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "@ottla/admin";
import { Consumer, type ConsumerOptions } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { seeded } from "../harness/seeded.ts";

const KILLS = process.env.OTTLA_TEST_DEEP ? 30 : 4;
const GROUPS = 20;
const MEMBERS = 2;
const PARTITIONS = 4;
const TOPIC = "busy";
/** Some records are always under way; each is read by every group. */
const SEND_PAUSE_MS = 50;
const COMMIT_INTERVAL_MS = 200;
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 5);

/** The ways to be a group; they take turns. */
const WAYS: readonly Partial<ConsumerOptions>[] = [
  { partitionAssignors: ["range"] },
  { groupProtocol: "consumer" },
  { partitionAssignors: ["cooperative-sticky"] },
  { groupProtocol: "consumer", groupRemoteAssignor: "range" },
];

/** A group of members that read all the time, and what of it can be told from outside. */
class BusyGroup {
  readonly id: string;
  readonly seen = new Set<string>();
  /** Records that were read again although the coordinator had acknowledged a commit beyond them. */
  readonly rewinds: string[] = [];
  /** What the coordinator has acknowledged, by partition. */
  readonly committed = new Map<number, number>();
  readonly members: readonly Consumer[];
  readonly #reading: Promise<unknown>;

  constructor(bootstrapServers: string, index: number) {
    this.id = `busy-${index}`;
    const way = WAYS[index % WAYS.length]!;
    this.members = Array.from({ length: MEMBERS }, (_, member) => {
      // Every fifth group has static members.
      const instance = index % 5 === 0 ? { groupInstanceId: `${this.id}-${member}` } : {};
      return new Consumer({
        bootstrapServers,
        groupId: this.id,
        topics: TOPIC,
        autoOffsetReset: "earliest",
        autoCommitIntervalMs: COMMIT_INTERVAL_MS,
        ...instance,
        ...way,
      });
    });
    this.#reading = Promise.all(this.members.map((member) => this.#read(member)));
    this.#reading.catch(() => {});
  }

  async #read(member: Consumer): Promise<void> {
    member.on("commit", ({ offsets }) => {
      for (const { partition, offset } of offsets) this.committed.set(partition, offset);
    });
    for await (const { partition, offset, value } of member) {
      if (offset < (this.committed.get(partition) ?? 0)) this.rewinds.push(`${partition}@${offset}`);
      this.seen.add(value!);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
    await this.#reading;
  }
}

describe(`kill -9 under ${GROUPS} busy groups of both protocols, ${KILLS} times (seed ${SEED})`, {
  concurrent: true,
}, () => {
  let dataDirectory: string;
  let broker: BrokerProcess;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), "ottla-kill-groups-"));
    broker = await BrokerProcess.start({ dataDirectory });
  });
  afterAll(async () => {
    await broker?.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it("each resumes from its last commit, and misses nothing", { timeout: 60_000 + KILLS * 15_000 }, async ({
    expect,
  }) => {
    const { bootstrapServers } = broker;
    const random = seeded(SEED);
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
    const groups = Array.from({ length: GROUPS }, (_, index) => new BusyGroup(bootstrapServers, index));
    const load = startLoad(bootstrapServers);
    const everybodyReads = (beyond: number) =>
      expect
        .poll(() => groups.filter(({ seen }) => seen.size <= beyond).map(({ id }) => id), { timeout: 40_000 })
        .toEqual([]);
    await everybodyReads(0);

    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(200 + random() * 800);
      const acknowledged = load.acknowledged.size;
      await broker.kill();
      broker = await BrokerProcess.start({ dataDirectory, port: broker.port });
      await everybodyReads(acknowledged);
    }
    await load.stop();
    const ends = await admin.listOffsets(
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition, spec: "latest" as const })),
    );
    const isComplete = ({ committed }: BusyGroup) =>
      ends.every(({ partition, offset }) => (committed.get(partition) ?? 0) === offset);
    await expect
      .poll(() => groups.filter((group) => !isComplete(group)).map(({ id }) => id), { timeout: 40_000 })
      .toEqual([]);

    for (const { id, seen, rewinds } of groups) {
      expect(
        [...load.acknowledged].filter((value) => !seen.has(value)),
        `missed by ${id}`,
      ).toEqual([]);
      expect(rewinds, `read again by ${id} from before its commit`).toEqual([]);
    }
    await Promise.all(groups.map((group) => group.close()));
  });
});

/** Sends numbered records until it is stopped, a few at a time; a broker that is away is waited for. */
function startLoad(bootstrapServers: string) {
  const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 120_000 });
  const acknowledged = new Set<string>();
  let running = true;
  const sending = (async () => {
    for (let next = 0; running; next++) {
      const values = Array.from({ length: 5 }, (_, index) => `value-${next}-${index}`);
      await producer.send(values.map((value) => ({ topic: TOPIC, key: value, value })));
      for (const value of values) acknowledged.add(value);
      await sleep(SEND_PAUSE_MS);
    }
  })();
  return {
    acknowledged,
    async stop() {
      running = false;
      await sending;
      await producer.close();
    },
  };
}
