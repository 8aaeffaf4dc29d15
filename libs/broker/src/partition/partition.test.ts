import type { PartitionImage } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import { createMemoryDisk, createSimulatedRuntime } from "@ottla/runtime";
import { defaultLogConfig, type LogManager, openLogManager } from "@ottla/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_POLICY } from "../test-support/partition-policy.ts";
import { batchOf } from "../test-support/test-broker.ts";
import { Partition } from "./partition.ts";

const runtime = createSimulatedRuntime(1);
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAACQ";
let logs: LogManager;
let partition: Partition;
let moves: number;

const image: PartitionImage = {
  partition: 0,
  replicas: [1, 2, 3],
  isr: [1, 2, 3],
  removingReplicas: [],
  addingReplicas: [],
  directories: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  leader: 1,
  leaderRecoveryState: 0,
  leaderEpoch: 0,
  partitionEpoch: 0,
};

beforeEach(async () => {
  moves = 0;
  logs = await openLogManager({ disk: createMemoryDisk(), directory: "/data", runtime });
  const config = { ...defaultLogConfig, ...NO_POLICY, minInsyncReplicas: 2 };
  const log = await logs.openOrCreate("orders", 0, TOPIC_ID, config);
  partition = new Partition({
    topic: "orders",
    topicId: TOPIC_ID,
    image,
    log,
    config,
    environment: {
      nodeId: 1,
      clock: runtime.clock,
      brokerEpoch: () => 0,
      brokerOf: () => undefined,
      followerExpected: () => {},
      replicaLagTimeMaxMs: () => 30_000,
      alterPartition: async () => null,
    },
    onAdvance: () => moves++,
  });
});
afterEach(() => logs.close());

/** Broker `brokerId` has all below `fetchOffset`. */
const fetched = (brokerId: number, fetchOffset: number) =>
  partition.followerFetched({ brokerId, brokerEpoch: -1, fetchOffset, logStartOffset: 0, currentLeaderEpoch: -1 });

const append = (acks: -1 | 0 | 1 = -1) => partition.appendAsLeader(batchOf("a"), { acks, origin: "client" });

describe("Partition", () => {
  it("commits what all replicas in sync have, and tells who waits", async () => {
    const first = append();
    const second = append();
    await second.append.written;
    expect(partition.log.highWatermark).toBe(0);
    fetched(2, 2);
    fetched(3, 1);
    await first.committed;
    expect(partition.log.highWatermark).toBe(1);
    fetched(3, 2);
    await second.committed;
    expect(partition.log.highWatermark).toBe(2);
  });

  it("does not wait for a replica that has left the ISR", async () => {
    const { append: appended, committed } = append();
    await appended.written;
    fetched(2, 1);
    partition.update({ ...image, isr: [1, 2], partitionEpoch: 1 });
    await committed;
    expect(partition.log.highWatermark).toBe(1);
  });

  it("takes no replica's word that is not one of its own", async () => {
    const { append: appended } = append();
    await appended.written;
    for (const stranger of [4, 1000]) {
      expect(() => fetched(stranger, 1)).toThrow(expect.objectContaining({ errno: ErrorCode.NOT_LEADER_OR_FOLLOWER }));
    }
    expect(partition.log.highWatermark).toBe(0);
  });

  it("ends the waits when another leads, and takes no more appends", async () => {
    const { committed } = append();
    partition.update({ ...image, leader: 2, leaderEpoch: 1 });
    await expect(committed).rejects.toMatchObject({ errno: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    expect(() => append()).toThrow(/does not lead orders-0/);
    expect(partition.isLeader).toBe(false);
  });

  it("asks for the followers' word anew in each epoch", async () => {
    await append(1).append.written;
    fetched(2, 1);
    partition.update({ ...image, leaderEpoch: 1, partitionEpoch: 1 });
    fetched(3, 1);
    expect(partition.log.highWatermark).toBe(0);
    fetched(2, 1);
    expect(partition.log.highWatermark).toBe(1);
  });

  it("takes acks=all only with enough replicas in sync", () => {
    partition.update({ ...image, isr: [1], partitionEpoch: 1 });
    expect(() => append(-1)).toThrow(/insufficient/);
    expect(() => append(1)).not.toThrow();
    partition.update({ ...image, replicas: [1], isr: [1], partitionEpoch: 2 });
    expect(() => append(-1)).not.toThrow();
  });

  it("tells of every move", async () => {
    await append().append.written;
    const afterAppend = moves;
    expect(afterAppend).toBeGreaterThan(0);
    fetched(2, 1);
    fetched(3, 1);
    expect(moves).toBeGreaterThan(afterAppend);
  });

  it("ends the waits when it is closed", async () => {
    const { committed } = append();
    partition.close();
    await expect(committed).rejects.toMatchObject({ errno: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    expect(partition.isClosed).toBe(true);
  });
});
