import { ErrorCode, fetchApi, listOffsetsApi } from "@ottla/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Partition } from "../partition/partition.ts";
import { RestingReplica } from "../partition/resting-replica.ts";
import { DiskGate, FaultyDisk } from "../test-support/faulty-disk.ts";
import { type ReplicaNode, ReplicaSet, type ReplicaSetOptions, TOPIC } from "../test-support/replica-set.ts";
import { batchOf } from "../test-support/test-broker.ts";
import { ThrottledReplicas } from "./replication-quota.ts";

let set: ReplicaSet;
afterEach(() => set[Symbol.asyncDispose]());

const ALL = [1, 2, 3];

/** Three brokers with a replica each, the first of them the leader. */
async function start(options: ReplicaSetOptions = {}): Promise<void> {
  set = await ReplicaSet.start(options);
  set.change({ replicas: ALL, isr: ALL, leader: 1 });
  await set.publish();
  await set.runtime.advance(100);
}

const append = (id: number, value: string, acks: -1 | 0 | 1 = -1) =>
  set.node(id).partition().appendAsLeader(batchOf(value), { acks, origin: "client" });

async function bytesOf({ log }: Partition): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const read = await log.read(offset, { maxBytes: 1_000_000, minOneBatch: true, limit: "logEnd" });
    chunks.push(...read.chunks.map((chunk) => chunk.slice()));
    read.release();
    offset = log.logEndOffset;
  }
  return Buffer.concat(chunks).toString("latin1");
}

const positions = ({ log }: Partition) => [log.logStartOffset, log.highWatermark, log.logEndOffset];

async function expectSame(...nodes: ReplicaNode[]): Promise<void> {
  const [first, ...others] = await Promise.all(nodes.map((node) => bytesOf(node.partition())));
  for (const other of others) expect(other).toBe(first);
}

describe("replication", () => {
  it("brings the leader's records to the followers, byte for byte, and tells them what is committed", async () => {
    await start();
    const appends = ["a", "b", "c"].map((value) => append(1, value));
    await set.runtime.advance(10);
    await Promise.all(appends.map(({ committed }) => committed));
    expect(positions(set.node(1).partition())).toEqual([0, 3, 3]);
    await set.runtime.advance(600);
    for (const id of [2, 3]) expect(positions(set.node(id).partition())).toEqual([0, 3, 3]);
    await expectSame(...ALL.map((id) => set.node(id)));
  });

  it("goes on where the leader keeps no fetch sessions", async () => {
    await start({ config: { "max.incremental.fetch.session.cache.slots": 0 } });
    for (const value of ["a", "b", "c"]) {
      const { committed } = append(1, value);
      await set.runtime.advance(10);
      await committed;
    }
    await expectSame(...ALL.map((id) => set.node(id)));
  });

  it("has so many fetchers for each leader as num.replica.fetchers says, among which partitions are spread", async () => {
    set = await ReplicaSet.start({ config: { "num.replica.fetchers": 3 } });
    const connections: string[] = [];
    set.wire = (from, to) => {
      connections.push(`${from} to ${to}`);
      return {};
    };
    const partitions = [0, 1, 2, 3, 4, 5];
    for (const index of partitions) set.change({ replicas: ALL, isr: ALL, leader: 1 }, index);
    await set.publish();
    await set.runtime.advance(100);
    const appends = partitions.map((index) =>
      set
        .node(1)
        .partition(index)
        .appendAsLeader(batchOf(`of ${index}`), { acks: -1, origin: "client" }),
    );
    await set.runtime.advance(10);
    await Promise.all(appends.map(({ committed }) => committed));
    await set.runtime.advance(600);
    expect(connections.sort()).toEqual([2, 2, 2, 3, 3, 3].map((follower) => `${follower} to 1`));
    for (const index of partitions) {
      const [leader, ...followers] = ALL.map((id) => set.node(id).partition(index));
      for (const follower of followers) {
        expect(positions(follower)).toEqual([0, 1, 1]);
        expect(await bytesOf(follower)).toBe(await bytesOf(leader!));
      }
    }
  });

  it("reads nothing of a partition that is at rest while others have records, and all of it once it has some", async () => {
    await start();
    set.change({ replicas: ALL, isr: ALL, leader: 1 }, 1);
    await set.publish();
    await set.runtime.advance(2_000);
    const reads = vi.spyOn(set.node(1).partition(1).log, "read");
    for (const value of ["a", "b", "c"]) {
      const { committed } = append(1, value);
      await set.runtime.advance(10);
      await committed;
    }
    expect(reads).not.toHaveBeenCalled();
    const { committed } = set.node(1).partition(1).appendAsLeader(batchOf("d"), { acks: -1, origin: "client" });
    await set.runtime.advance(10);
    await committed;
    await set.runtime.advance(600);
    for (const id of [2, 3]) expect(positions(set.node(id).partition(1))).toEqual([0, 1, 1]);
  });

  it("has the records of a partition at rest at once, though the follower is far behind with another", async () => {
    set = await ReplicaSet.start({ config: { "replica.fetch.max.bytes": 600_000 } });
    let delayMs = 1;
    set.wire = () => ({
      deliver: (callback) =>
        delayMs > 0 ? void set.runtime.timers.schedule(delayMs, callback) : queueMicrotask(callback),
    });
    set.change({ replicas: [1, 2], isr: [1, 2], leader: 1 });
    for (const index of [1, 2]) set.change({ replicas: ALL, isr: ALL, leader: 1 }, index);
    await set.publish();
    await set.runtime.advance(2_000);
    for (let i = 0; i < 150; i++) append(1, "v".repeat(100_000));
    await set.runtime.advance(2_000);
    set.change({ replicas: ALL, isr: [1, 2], leader: 1 });
    await set.publish();
    const { log } = set.node(3).partition();
    while (log.logEndOffset < 20) await set.runtime.advance(1);
    const looks = vi.spyOn(RestingReplica.prototype, "isAtRest", "get");
    while (log.logEndOffset < 60) await set.runtime.advance(1);
    expect(looks.mock.calls.length, "looks at the two that are at rest").toBeLessThanOrEqual(2);
    for (const value of ["a", "b"]) {
      let isCommitted = false;
      const { committed } = set.node(1).partition(1).appendAsLeader(batchOf(value), { acks: -1, origin: "client" });
      const settled = committed.then(() => {
        isCommitted = true;
      });
      while (!isCommitted) await set.runtime.advance(1);
      await settled;
    }
    expect(log.logEndOffset).toBeLessThan(140);
    delayMs = 0;
    await set.runtime.advance(1_000);
    expect(log.logEndOffset).toBe(150);
  });

  it("counts a follower as caught up until its last fetch, however long the partition was at rest", async () => {
    await start();
    await set.runtime.advance(100_000);
    set.cut(1, 3);
    append(1, "a", 1);
    await set.runtime.advance(20_000);
    expect(set.partitionImage().isr).toEqual(ALL);
    await set.runtime.advance(30_000);
    expect(set.partitionImage().isr).toEqual([1, 2]);
  });

  it("begins with a partition that is new at once, though the followers wait for records of others", async () => {
    await start();
    await set.runtime.advance(1_000);
    set.change({ replicas: ALL, isr: ALL, leader: 1 }, 1);
    await set.publish(1);
    const { committed } = set.node(1).partition(1).appendAsLeader(batchOf("a"), { acks: -1, origin: "client" });
    let isCommitted = false;
    const settled = committed.then(() => {
      isCommitted = true;
    });
    await set.runtime.advance(60);
    await set.publish(2, 3);
    await set.runtime.advance(60);
    expect(isCommitted, "within 60 ms of the time at which the followers know of it").toBe(true);
    await settled;
  });

  it("fetches nothing before the broker is registered in this life: nobody could tell it from an earlier one", async () => {
    await start();
    const node = set.node(3);
    const { brokerEpoch } = node;
    node.brokerEpoch = -1;
    await set.runtime.advance(1_000);
    await append(1, "a").append.written;
    await set.runtime.advance(1_000);
    expect(node.partition().log.logEndOffset).toBe(0);
    node.brokerEpoch = brokerEpoch;
    await set.runtime.advance(1_000);
    expect(node.partition().log.logEndOffset).toBe(1);
  });

  it("commits nothing that a replica in sync lacks", async () => {
    await start();
    set.cut(1, 3);
    const { append: appended, committed } = append(1, "a");
    await appended.written;
    await set.runtime.advance(5_000);
    expect(set.node(2).partition().log.logEndOffset).toBe(1);
    expect(set.node(1).partition().log.highWatermark).toBe(0);
    set.heal();
    await set.runtime.advance(2_000);
    await committed;
    expect(set.node(1).partition().log.highWatermark).toBe(1);
  });

  it("leaves a lagging replica out of the ISR, commits without it, and takes it in again when it has caught up", async () => {
    await start();
    set.cut(1, 3);
    const { committed } = append(1, "a");
    await set.runtime.advance(50_000);
    await committed;
    expect(set.partitionImage().isr).toEqual([1, 2]);
    expect(set.node(1).partition().image.isr).toEqual([1, 2]);
    set.heal();
    await set.runtime.advance(2_000);
    expect(set.partitionImage().isr).toEqual([1, 2, 3]);
    await expectSame(...ALL.map((id) => set.node(id)));
  });

  it("keeps a follower in sync that is always a little behind", async () => {
    await start();
    for (let round = 0; round < 100; round++) {
      append(1, `${round}`);
      await set.runtime.advance(1_000);
    }
    expect(set.alterations).toEqual([]);
  });

  it("does not take in a replica of an earlier life of its broker, nor of a fenced one", async () => {
    await start();
    set.change({ isr: [1, 2] });
    set.registerBroker(3, { fenced: true });
    await set.publish();
    await set.runtime.advance(2_000);
    expect(set.alterations).toEqual([]);
    set.registerBroker(3);
    await set.publish(1);
    await set.runtime.advance(2_000);
    expect(set.alterations).toEqual([]);
    await set.publish(3);
    await set.runtime.advance(2_000);
    expect(set.partitionImage().isr).toEqual([1, 2, 3]);
  });

  it("counts both ISRs while the controller has not answered", async () => {
    await start();
    set.change({ isr: [1, 2] });
    await set.publish();
    set.controllerIsGone = true;
    await set.runtime.advance(1_000);
    expect(set.node(1).partition().leadership?.maximalIsr).toEqual([1, 2, 3]);
    set.cut(1, 3);
    append(1, "a");
    await set.runtime.advance(20_000);
    expect(set.node(2).partition().log.logEndOffset).toBe(1);
    expect(set.node(1).partition().log.highWatermark).toBe(0);
    set.controllerIsGone = false;
    await set.runtime.advance(60_000);
    expect(set.partitionImage().isr).toEqual([1, 2]);
    expect(set.node(1).partition().log.highWatermark).toBe(1);
  });

  it("refuses acks=all while too few are in sync, before the append and after it", async () => {
    await start({ topic: { minInsyncReplicas: 2 } });
    for (const id of [2, 3]) set.cut(1, id);
    const { committed } = append(1, "a");
    await set.runtime.advance(60_000);
    await expect(committed).rejects.toMatchObject({ errno: ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND });
    expect(set.node(1).partition().image.isr).toEqual([1]);
    expect(() => append(1, "b")).toThrow(expect.objectContaining({ errno: ErrorCode.NOT_ENOUGH_REPLICAS }));
    const late = append(1, "c", 1);
    await set.runtime.advance(10);
    await late.append.written;
    expect(set.node(1).partition().log.highWatermark).toBe(0);
    set.heal();
    await set.runtime.advance(3_000);
    expect(set.node(1).partition().log.highWatermark).toBe(2);
  });
});

describe("an election", () => {
  it("cuts off the old leader what nobody else had, and keeps what was committed", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    for (const id of [2, 3]) set.cut(1, id);
    append(1, "lost", 1);
    await set.runtime.advance(10);
    set.change({ leader: 2, isr: [2, 3] });
    await set.publish(2, 3);
    const { committed } = append(2, "b");
    await set.runtime.advance(1_000);
    await committed;
    expect(await bytesOf(set.node(1).partition())).toContain("lost");
    set.heal();
    await set.publish();
    await set.runtime.advance(2_000);
    await expectSame(...ALL.map((id) => set.node(id)));
    expect(await bytesOf(set.node(1).partition())).not.toContain("lost");
    expect(set.partitionImage().isr.toSorted()).toEqual([1, 2, 3]);
    expect(set.node(1).partition().log.latestLeaderEpoch).toBe(1);
  });

  it("of a leader that wrote nothing leaves no epoch behind that the next one does not know", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    set.change({ leader: 2 });
    await set.publish(2);
    set.change({ leader: 3 });
    await set.publish(1, 3);
    await set.publish(2);
    await Promise.all([append(3, "b").committed, set.runtime.advance(2_000)]);
    await expectSame(...ALL.map((id) => set.node(id)));
    expect(set.node(2).partition().log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 0, endOffset: 1 });
  });

  it("finds where three histories part", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    for (const [a, b] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const)
      set.cut(a, b);
    append(1, "only 1 has it", 1);
    append(1, "and this", 1);
    set.change({ leader: 2 });
    await set.publish(2, 3);
    append(2, "only 2 has it", 1);
    await set.runtime.advance(10);
    set.change({ leader: 1 });
    await set.publish(1);
    append(1, "third epoch", 1);
    await set.runtime.advance(10);
    set.change({ leader: 3 });
    await set.publish();
    append(3, "the truth", 1);
    set.heal();
    await set.runtime.advance(5_000);
    await expectSame(...ALL.map((id) => set.node(id)));
    expect(await bytesOf(set.node(1).partition())).not.toContain("third");
    expect(set.node(1).partition().log.logEndOffset).toBe(2);
  });

  it("answers OFFSET_NOT_AVAILABLE until the new leader knows what was committed", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(5)]);
    expect(set.node(2).partition().log.highWatermark).toBe(0);
    for (const id of ALL) for (const other of ALL) if (id < other) set.cut(id, other);
    set.change({ leader: 2 });
    await set.publish();
    const client = set.node(2).connect();
    const latest = async (version: number, timestamp = -1) => {
      const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }];
      const { topics: found } = await client.send(listOffsetsApi, version, { replicaId: -1, topics });
      return found[0]!.partitions[0]!;
    };
    expect(await latest(5)).toMatchObject({ errorCode: ErrorCode.OFFSET_NOT_AVAILABLE });
    expect(await latest(4)).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE });
    expect(await latest(5, 1)).toMatchObject({ errorCode: ErrorCode.OFFSET_NOT_AVAILABLE });
    expect(await latest(5, -2)).toMatchObject({ errorCode: ErrorCode.NONE, offset: 0 });
    set.heal();
    await set.runtime.advance(2_000);
    expect(await latest(5)).toMatchObject({ errorCode: ErrorCode.NONE, offset: 1 });
    client.close();
  });

  it("fences a leader that does not know of it yet", async () => {
    await start();
    set.change({ leader: 2 });
    await set.publish(2, 3);
    const { append: appended, committed } = append(1, "zombie");
    committed.catch(() => {});
    await appended.written;
    await set.runtime.advance(60_000);
    expect(set.node(1).partition().log.highWatermark).toBe(0);
    expect(set.alterations.some(({ leaderEpoch }) => leaderEpoch === 0)).toBe(true);
    expect(set.partitionImage().isr).toEqual([2, 3]);
    await set.publish();
    await expect(committed).rejects.toMatchObject({ errno: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  });
});

describe("an answer of the controller", () => {
  it("that comes when another leads already makes nobody a leader again", async () => {
    await start();
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    set.onTheWayToController = async (_, ask) => {
      const given = ask();
      await answered;
      return given;
    };
    set.cut(1, 3);
    append(1, "a");
    await set.runtime.advance(50_000);
    expect(set.partitionImage().isr).toEqual([1, 2]);
    set.change({ leader: 2 });
    await set.publish();
    answer();
    await set.runtime.settle();
    expect(set.node(1).partition()).toMatchObject({ role: "follower", leaderId: 2, leaderEpoch: 1 });
  });
});

describe("a follower", () => {
  it("starts anew where the leader's log begins, when that has deleted what it lacks", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    set.cut(1, 3);
    await set.runtime.advance(10);
    set.change({ isr: [1, 2] });
    await set.publish();
    await Promise.all([append(1, "b").committed, append(1, "c").committed, set.runtime.advance(31_000)]);
    await set.node(1).partition().log.advanceLogStartOffset(2);
    await set.runtime.advance(1_000);
    expect(set.node(2).partition().log.logStartOffset).toBe(2);
    set.heal();
    await set.runtime.advance(3_000);
    expect(positions(set.node(3).partition())).toEqual([2, 3, 3]);
    expect(set.partitionImage().isr).toEqual([1, 2, 3]);
  });

  it("goes on after a restart of either side", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    await set.restart(3);
    set.registerBroker(3);
    await set.publish();
    await Promise.all([append(1, "b").committed, set.runtime.advance(2_000)]);
    await set.restart(1);
    set.registerBroker(1);
    set.change({ leader: 1 });
    await set.publish();
    await set.runtime.advance(2_000);
    await Promise.all([append(1, "c").committed, set.runtime.advance(2_000)]);
    await expectSame(...ALL.map((id) => set.node(id)));
    expect(set.node(2).partition().log.logEndOffset).toBe(3);
  });

  describe("whose disk takes its time", () => {
    const COUNT = 50;
    let gate: DiskGate;

    /** A broker cannot write to such a file until the gate is open. */
    async function startWithGate(brokerId = 3, file = ".log"): Promise<void> {
      const disks: FaultyDisk[] = [];
      const createDisk = () => {
        const disk = new FaultyDisk();
        disks.push(disk);
        return disk;
      };
      await start({ createDisk, config: { "replica.fetch.max.bytes": 4_000 } });
      gate = new DiskGate();
      disks[brokerId - 1]!.fault = (action, path) => (action === "write" && path.includes(file) ? gate.wait() : null);
    }

    it("takes what is appended while it notes that it is elected again into the new epoch, and nobody cuts it off", async () => {
      await startWithGate(1, "leader-epoch-checkpoint");
      append(1, "a");
      await set.runtime.advance(100);
      set.change({ leader: 1 });
      const elected = set.publish(1);
      await set.runtime.advance(10);
      expect(gate.waiting).toBeGreaterThan(0);
      append(1, "b", 1);
      await set.runtime.advance(10);
      gate.open();
      await elected;
      await set.publish(2, 3);
      await set.runtime.advance(2_000);
      for (const id of ALL) expect(positions(set.node(id).partition())).toEqual([0, 2, 2]);
      await expectSame(...ALL.map((id) => set.node(id)));
    });

    const claimed = () => set.node(1).partition().progressOf(3)!.logEndOffset;

    it("fetches ahead of what is written while it is far behind, and is taken for no more than that", async () => {
      await startWithGate();
      set.cut(1, 3);
      set.change({ isr: [1, 2] });
      await set.publish();
      const appends = Array.from({ length: COUNT }, () => append(1, "x".repeat(1_000)));
      // Until then it is taken for one that is about to join.
      await Promise.all([...appends.map(({ committed }) => committed), set.runtime.advance(31_000)]);
      set.heal();
      await set.runtime.advance(2_000);
      const { log } = set.node(3).partition();
      expect(log.logEndOffset).toBe(0);
      expect(claimed()).toBeGreaterThan(0);
      expect(claimed()).toBeLessThan(COUNT / 2);
      expect(set.alterations).toEqual([]);
      gate.open();
      await set.runtime.advance(2_000);
      expect(log.logEndOffset).toBe(COUNT);
      expect(set.partitionImage().isr).toEqual([1, 2, 3]);
      await expectSame(...ALL.map((id) => set.node(id)));
    });

    it("claims nothing that is not written where its word commits records", async () => {
      await startWithGate();
      append(1, "a");
      await set.runtime.advance(1_000);
      append(1, "b");
      await set.runtime.advance(1_000);
      expect(gate.waiting).toBeGreaterThan(0);
      expect(claimed()).toBe(0);
      expect(set.node(1).partition().log.highWatermark).toBe(0);
      gate.open();
      await set.runtime.advance(1_000);
      expect(set.node(1).partition().log.highWatermark).toBe(2);
    });
  });

  it("is refused that has no replica, that lived before, or that claims more than there is", async () => {
    await start({ brokers: 4 });
    set.registerBroker(2);
    await set.publish(1);
    const client = set.node(1).connect();
    const { epoch } = set.image.brokers.get("2")!;
    const fetch = async (replicaId: number, replicaEpoch: number, fetchOffset: number, currentLeaderEpoch = 0) => {
      const partitions = [{ partition: 0, fetchOffset, currentLeaderEpoch, partitionMaxBytes: 1000 }];
      const { topicId } = set.node(1).partition();
      const { responses } = await client.send(fetchApi, 17, {
        replicaState: { replicaId, replicaEpoch },
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topicId, partitions }],
      });
      return responses[0]!.partitions[0]!.errorCode;
    };
    expect(await fetch(4, 3, 0)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(await fetch(4, 3, 0, -1)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await fetch(2, epoch - 1, 0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await fetch(2, epoch, 1_000_000)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await fetch(2, epoch, 0, 7)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(await fetch(2, epoch, 0)).toBe(ErrorCode.NONE);
    expect(set.node(1).partition().log.highWatermark).toBe(0);
    client.close();
  });

  it("serves consumers that say where they are, what is committed and no more", async () => {
    await start();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    const client = set.node(2).connect();
    const fetch = async (fetchOffset: number, rackId: string, version = 12, currentLeaderEpoch = -1) => {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1000, currentLeaderEpoch }];
      const topics = [{ topic: TOPIC, partitions }];
      const response = await client.send(fetchApi, version, {
        maxWaitMs: 0,
        minBytes: 0,
        topics,
        ...(version >= 11 && { rackId }),
      });
      return response.responses[0]!.partitions[0]!;
    };
    expect(await fetch(0, "r1")).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
    expect((await fetch(0, "r1")).records?.length).toBeGreaterThan(0);
    expect(await fetch(1, "r1")).toMatchObject({ errorCode: ErrorCode.NONE });
    set.cut(1, 3);
    append(1, "b");
    await set.runtime.advance(1_000);
    expect(await fetch(2, "r1"), "not committed yet").toMatchObject({ errorCode: ErrorCode.OFFSET_NOT_AVAILABLE });
    expect(await fetch(3, "r1"), "not here").toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await fetch(0, "")).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 1, leaderEpoch: 0 },
    });
    expect(await fetch(0, "", 10)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    expect(await fetch(0, "", 12, 0), "knows who leads").toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
    expect(await fetch(2, "", 12, 0)).toMatchObject({ errorCode: ErrorCode.OFFSET_NOT_AVAILABLE });
    expect(await fetch(0, "", 10, 0)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    client.close();
  });
});

describe("the closest replica", () => {
  it("is where the leader sends a consumer that says where it is", async () => {
    const selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    await start({ config: { "replica.selector.class": selector } });
    for (const [id, rack] of [
      [1, "a"],
      [2, "b"],
      [3, "b"],
    ] as const) {
      set.registerBroker(id, { rack });
    }
    await set.publish();
    await Promise.all([append(1, "a").committed, set.runtime.advance(1_000)]);
    set.cut(1, 2);
    append(1, "b");
    await set.runtime.advance(100);
    const client = set.node(1).connect();
    const fetch = async (rackId: string, fetchOffset = 0) => {
      const topics = [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1000 }] }];
      const { responses } = await client.send(fetchApi, 12, { maxWaitMs: 60_000, minBytes: 1, topics, rackId });
      const { preferredReadReplica, records, errorCode } = responses[0]!.partitions[0]!;
      return [errorCode, preferredReadReplica, (records?.length ?? 0) > 0];
    };
    expect(await fetch("b")).toEqual([ErrorCode.NONE, 3, false]);
    expect(await fetch("b", 2)).toEqual([ErrorCode.NONE, 3, false]);
    expect(await fetch("a")).toEqual([ErrorCode.NONE, -1, true]);
    expect(await fetch("elsewhere")).toEqual([ErrorCode.NONE, -1, true]);
    expect(await fetch("")).toEqual([ErrorCode.NONE, -1, true]);
    client.close();
  });
});

describe("a throttle", () => {
  const SIZE_BYTES = 1_000;
  const fill = async (count: number) => {
    for (let i = 0; i < count; i++) append(1, "x".repeat(SIZE_BYTES), 1);
    await set.runtime.advance(100);
  };

  it.each([
    ["leader", "leaderThrottled", "1"],
    ["follower", "followerThrottled", "3"],
  ] as const)("of the %s slows down who is catching up, and nobody else", async (side, key, broker) => {
    const config = { [`${side}.replication.throttled.rate`]: 2 * SIZE_BYTES, "replica.fetch.max.bytes": SIZE_BYTES };
    await start({ config, topic: { [key]: new ThrottledReplicas([`0:${broker}`]) } });
    set.cut(1, 3);
    set.change({ isr: [1, 2] });
    await set.publish();
    await fill(100);
    await set.runtime.advance(31_000);
    expect(set.node(2).partition().log.logEndOffset).toBe(100);
    set.heal();
    await set.runtime.advance(10_000);
    const { log } = set.node(3).partition();
    expect(log.logEndOffset).toBeGreaterThan(5);
    expect(log.logEndOffset).toBeLessThan(40);
    await set.runtime.advance(60_000);
    expect(log.logEndOffset).toBe(100);
    expect(set.partitionImage().isr).toEqual([1, 2, 3]);
  });

  it("costs producers nothing that wait for all replicas in sync while another one catches up", async () => {
    const rate = 2 * SIZE_BYTES;
    const rates = { "leader.replication.throttled.rate": rate, "follower.replication.throttled.rate": rate };
    const every = new ThrottledReplicas(["*"]);
    await start({
      config: { ...rates, "replica.fetch.max.bytes": SIZE_BYTES },
      topic: { leaderThrottled: every, followerThrottled: every },
    });
    set.cut(1, 3);
    set.change({ isr: [1, 2] });
    await set.publish();
    await fill(100);
    await set.runtime.advance(31_000);
    set.heal();
    for (let second = 0; second < 20; second++) {
      let isCommitted = false;
      void append(1, "x".repeat(SIZE_BYTES)).committed.then(() => {
        isCommitted = true;
      });
      await set.runtime.advance(20);
      expect(isCommitted, `in second ${second}`).toBe(true);
      await set.runtime.advance(980);
    }
    // The first ten seconds may be had at once; then it is so much a second.
    const { log } = set.node(3).partition();
    expect(log.logEndOffset).toBeGreaterThan(20);
    expect(log.logEndOffset).toBeLessThan(60);
  });
});
