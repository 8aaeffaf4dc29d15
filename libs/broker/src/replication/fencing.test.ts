import { brokerHeartbeat, fenceBroker } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { createMemoryDisk } from "@ottla/runtime";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AlteredPartition } from "../cluster/controller-client.ts";
import { Leadership } from "../partition/leadership.ts";
import { ReplicaSet } from "../test-support/replica-set.ts";
import { recordsOf } from "../test-support/replication-invariants.ts";
import { batchOf } from "../test-support/test-broker.ts";

/**
 * The few orders of events in which one fence alone keeps what was acknowledged, each played with the fence and without:
 * the seeds of the simulation come upon them too rarely to be relied on.
 */
let set: ReplicaSet;
afterEach(async () => {
  vi.restoreAllMocks();
  await set[Symbol.asyncDispose]();
});

/** Brokers 1 to 3 with a replica each; 1 leads, and 3 is the first to lead after it. */
async function start(isr: readonly number[], prepare: () => void = () => {}): Promise<void> {
  set = await ReplicaSet.start({});
  prepare();
  set.change({ replicas: [1, 3, 2], isr, leader: 1 });
  await set.publish();
  await set.runtime.advance(100);
}

/** Holds what brokers ask of the controller back: before it takes effect, or only the answer. */
function holdRequests(what: "request" | "answer"): () => Promise<void> {
  const waiting: (() => void)[] = [];
  set.onTheWayToController = async (_, ask) => {
    const answer = what === "answer" ? ask() : null;
    await new Promise<void>((resolve) => waiting.push(resolve));
    return answer ?? ask();
  };
  return async () => {
    for (const go of waiting.splice(0)) go();
    await set.runtime.settle();
  };
}

function fence(id: number): void {
  const { epoch } = set.image.brokers.get(String(id))!;
  set.submit((state) => fenceBroker(state, id, epoch));
}

function unfence(id: number): void {
  const brokerEpoch = set.image.brokers.get(String(id))!.epoch;
  const currentMetadataOffset = set.image.offset;
  const beat = {
    brokerId: id,
    brokerEpoch,
    currentMetadataOffset,
    wantFence: false,
    wantShutDown: false,
    offlineLogDirs: [],
  };
  set.submit((state) => brokerHeartbeat(state, beat, { activeOffsetMin: 0, handedOverAt: null }));
}

/** Appends a record as broker 1, lets time pass, and says whether a producer would have been told that it is safe. */
async function isAcknowledged(value: string, passMs: number): Promise<boolean> {
  let isDone = false;
  const { committed } = set.node(1).partition().appendAsLeader(batchOf(value), { acks: -1, origin: "client" });
  committed.then(
    () => {
      isDone = true;
    },
    () => {},
  );
  await set.runtime.advance(passMs);
  return isDone;
}

/** Broker 1 dies; whoever the controller has lead then, does it have the record? */
async function survives(value: string): Promise<boolean> {
  set.node(1).kill();
  fence(1);
  set.heal();
  await set.publish();
  await set.runtime.advance(2_000);
  const { leader } = set.partitionImage();
  const { log } = set.node(leader).partition();
  return [...(await recordsOf(log, 0, log.logEndOffset)).values()].includes(value);
}

/** Broker 3 is being taken in, the controller has agreed, and nobody has told the leader, when 3 falls behind. */
async function pendingIsr(): Promise<boolean> {
  await start([1, 2], () => holdRequests("answer"));
  await set.runtime.advance(2_000);
  expect(set.partitionImage().isr.toSorted()).toEqual([1, 2, 3]);
  set.cut(1, 3);
  const acknowledged = await isAcknowledged("x", 10_000);
  return !acknowledged || (await survives("x"));
}

/** As {@link pendingIsr}, and meanwhile the leader's log is exchanged for another one that has the same. */
async function pendingIsrOfMovedLog(): Promise<boolean> {
  await start([1, 2], () => holdRequests("answer"));
  await set.runtime.advance(2_000);
  expect(set.partitionImage().isr.toSorted()).toEqual([1, 2, 3]);
  set.cut(1, 3);
  await exchangeLog();
  const acknowledged = await isAcknowledged("x", 10_000);
  return !acknowledged || (await survives("x"));
}

/** What a move of broker 1's replica to another log directory ends with. */
async function exchangeLog(): Promise<void> {
  const { registry } = set.node(1);
  await registry.replaceLog(set.node(1).partition(), async () => {});
  await set.runtime.settle();
}

/** The leader's wish to be rid of 2 is on its way so long that meanwhile 2 is back and 3 is out. */
async function partitionEpoch(): Promise<boolean> {
  await start([1, 2, 3]);
  const release = holdRequests("request");
  set.cut(1, 2);
  await isAcknowledged("before", 50_000);
  expect(set.partitionImage().isr.toSorted()).toEqual([1, 2, 3]);
  fence(3);
  unfence(3);
  set.heal();
  set.cut(1, 3);
  await set.publish();
  expect(set.partitionImage().isr.toSorted()).toEqual([1, 2]);
  const acknowledged = await isAcknowledged("x", 60_000);
  expect(acknowledged).toBe(true);
  await release();
  return await survives("x");
}

/** The leader wants 3 in the ISR, which has lost its disk and come back before the controller hears of it. */
async function brokerEpoch(): Promise<boolean> {
  await start([1, 2], () => set.cut(1, 3));
  expect(await isAcknowledged("x", 1_000)).toBe(true);
  const release = holdRequests("request");
  set.heal();
  await set.runtime.advance(2_000);
  expect(set.node(1).partition().leadership?.isIsrPending).toBe(true);
  set.cut(1, 3);
  set.node(3).kill();
  await set.restart(3, createMemoryDisk());
  set.registerBroker(3);
  await release();
  return await survives("x");
}

describe("what was acknowledged is kept", () => {
  it("while the controller is asked for another ISR, and lost if only the committed one counted", async () => {
    expect(await pendingIsr()).toBe(true);
    await set[Symbol.asyncDispose]();
    vi.spyOn(Leadership.prototype, "maximalIsr", "get").mockImplementation(function (this: Leadership) {
      return this.image.isr;
    });
    vi.spyOn(Leadership.prototype, "isAboutToJoin").mockReturnValue(false);
    expect(await pendingIsr()).toBe(false);
  });

  it("by a leader whose log is moved to another directory while the controller is asked", async () => {
    expect(await pendingIsrOfMovedLog()).toBe(true);
  });

  it("by partition epochs, and lost without", async () => {
    expect(await partitionEpoch()).toBe(true);
    await set[Symbol.asyncDispose]();
    withTamperedRequests((asked) => ({ ...asked, partitionEpoch: set.partitionImage().partitionEpoch }));
    expect(await partitionEpoch()).toBe(false);
  });

  it("by broker epochs, and lost without", async () => {
    expect(await brokerEpoch()).toBe(true);
    await set[Symbol.asyncDispose]();
    withTamperedRequests((asked) => ({
      ...asked,
      newIsr: asked.newIsr.map(({ brokerId }) => ({ brokerId, brokerEpoch: -1 })),
    }));
    expect(await brokerEpoch()).toBe(false);
  });
});

type Tamper = ReplicaSet["tamper"];

/** The controller of the next sets takes other epochs for those that it was asked with. */
function withTamperedRequests(tamper: Tamper): void {
  const { alterPartitions } = ReplicaSet.prototype;
  vi.spyOn(ReplicaSet.prototype, "alterPartitions").mockImplementation(function (this: ReplicaSet, from, asked) {
    this.tamper = tamper;
    return alterPartitions.call(this, from, asked) as Promise<AlteredPartition[]>;
  });
}

describe("a leader whose log is exchanged for another one that has the same", () => {
  it("asks the controller again for the ISR that it wanted", async () => {
    let lose = () => {};
    await start([1, 2], () => {
      const lost = new Promise<never>((_, reject) => {
        lose = () => reject(KafkaError.fromCode(ErrorCode.NOT_CONTROLLER));
      });
      set.onTheWayToController = () => lost;
    });
    await set.runtime.advance(2_000);
    expect(set.node(1).partition().leadership?.isIsrPending).toBe(true);
    set.cut(1, 3);
    await exchangeLog();
    set.onTheWayToController = async (_, ask) => ask();
    lose();
    await set.runtime.advance(1_000);
    expect(set.partitionImage().isr.toSorted()).toEqual([1, 2, 3]);
    expect(set.node(1).partition().leadership?.isIsrPending).toBe(false);
  });

  it("goes by what the controller answers before the log is taken out of service", async () => {
    let release = async () => {};
    await start([1, 2], () => {
      release = holdRequests("answer");
    });
    await set.runtime.advance(2_000);
    const { following } = set.node(1).replication;
    vi.spyOn(following, "unfollow").mockImplementationOnce(() => release());
    await exchangeLog();
    expect(set.node(1).partition().image.isr.toSorted()).toEqual([1, 2, 3]);
  });

  it("knows how far its followers are, for how long one has lagged, and where its epoch began", async () => {
    await start([1, 2, 3]);
    expect(await isAcknowledged("all", 1_000)).toBe(true);
    set.cut(1, 3);
    expect(await isAcknowledged("without 3", 20_000)).toBe(false);
    await exchangeLog();
    const partition = set.node(1).partition();
    expect(partition.isHighWatermarkKnown).toBe(true);
    expect([2, 3].map((id) => partition.progressOf(id)?.logEndOffset)).toEqual([2, 1]);
    await set.runtime.advance(26_000);
    expect(set.partitionImage().isr).toEqual([1, 2]);
    expect(partition.log.highWatermark).toBe(2);
  });
});
