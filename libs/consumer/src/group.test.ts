import { ErrorCode, heartbeatApi, syncGroupApi } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeSubscription, encodeAssignment } from "./group/consumer-protocol.ts";
import { Consumer, type ConsumerOptions, type PartitionAssignor } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { readAll, settle } from "./test-support/reading.ts";

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];
/** What happened, in order. */
let story: string[];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
  open = [];
  story = [];
});

afterEach(async () => {
  for (const consumer of open) await settle(runtime, consumer.close());
  await runtime.advance(1_000); // the double's long polls
  expect(runtime.pendingTimers).toBe(0);
});

const names = (partitions: readonly { topic: string; partition: number }[]) =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(" ");

function member(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({
    ...kafka.clientOptions,
    groupId: "g",
    topics: "t",
    autoOffsetReset: "earliest",
    rebalanceListener: {
      onAssigned: (partitions) => void story.push(`onAssigned ${names(partitions)}`),
      onRevoked: (partitions) => void story.push(`onRevoked ${names(partitions)}`),
      onLost: (partitions) => void story.push(`onLost ${names(partitions)}`),
    },
    ...options,
  });
  open.push(consumer);
  return consumer;
}

/** Takes `count` records, and leaves the last one in hand. */
async function take(loop: AsyncIterableIterator<unknown>, count: number): Promise<void> {
  for (let read = 0; read < count; read++) await settle(runtime, loop.next());
}

describe("joining", () => {
  test("asks for a member id, leads, and reads", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b"]);
    const consumer = member();
    expect(consumer.membershipState).toBe("unjoined");
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values.sort()).toEqual(["a", "b"]);
    expect(kafka.joins.map(({ memberId }) => memberId)).toEqual(["", "member-1"]);
    expect(kafka.joins[1]).toMatchObject({ groupId: "g", sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 300_000 });
    expect(story).toEqual(["onAssigned t-0 t-1"]);
    expect(consumer.groupMetadata()).toEqual({
      groupId: "g",
      groupInstanceId: null,
      memberId: "member-1",
      generationId: 1,
    });
  });

  test("start settles when it is known where to read", async () => {
    kafka.append("t", 0, ["old"]);
    const consumer = member({ autoOffsetReset: "latest" });
    await settle(runtime, consumer.start());
    expect(consumer.membershipState).toBe("stable");
    kafka.append("t", 0, ["new"]);
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["new"]);
  });

  test("lists its assignors in order, the sticky one with what it had", async () => {
    const consumer = member({ partitionAssignors: ["sticky", "roundrobin"] });
    await settle(runtime, consumer.start());
    expect(kafka.joins[0]!.protocols.map(({ name }) => name)).toEqual(["sticky", "roundrobin"]);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    const [, , again] = kafka.joins;
    const { userData, generationId } = decodeSubscription("m", null, again!.protocols[0]!.metadata);
    expect(userData).not.toBeNull();
    expect(generationId).toBe(1);
  });

  test("with an assignor of the user's own", async () => {
    const last: PartitionAssignor = {
      name: "last",
      assign: (topics, members) =>
        new Map(members.map(({ memberId }) => [memberId, { partitions: topics.get("t")!.slice(-1), userData: null }])),
    };
    const consumer = member({ partitionAssignors: [last] });
    await settle(runtime, consumer.start());
    expect(consumer.assignment()).toEqual([{ topic: "t", partition: 1 }]);
  });

  test("an assignor that fails ends the consumer, and says so", async () => {
    const broken: PartitionAssignor = {
      name: "broken",
      assign: () => {
        throw new Error("no idea");
      },
    };
    const consumer = member({ partitionAssignors: [broken] });
    const failed: string[] = [];
    consumer.on("failed", ({ error }) => failed.push(error.code));
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({
      code: "ASSIGNOR_FAILED",
      message: expect.stringContaining("no idea"),
    });
    expect(failed).toEqual(["ASSIGNOR_FAILED"]);
    await expect(consumer.records().next()).rejects.toMatchObject({ code: "ASSIGNOR_FAILED" });
  });

  test.each([
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.REBALANCE_IN_PROGRESS,
  ])("tries again after error %i", async (errorCode) => {
    kafka.joinErrors.push(errorCode, errorCode, errorCode);
    const consumer = member();
    await settle(runtime, consumer.start());
    expect(kafka.joins.length).toBe(5);
    const lookups = kafka.cluster.requestCounts.get("FindCoordinator")!;
    const isLost = errorCode === ErrorCode.NOT_COORDINATOR || errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE;
    expect(lookups).toBe(isLost ? 4 : 1);
  });

  test.each([
    [ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "INCONSISTENT_GROUP_PROTOCOL"],
    [ErrorCode.FENCED_INSTANCE_ID, "FENCED_INSTANCE_ID"],
    [ErrorCode.GROUP_AUTHORIZATION_FAILED, "GROUP_AUTHORIZATION_FAILED"],
    [ErrorCode.INVALID_SESSION_TIMEOUT, "INVALID_SESSION_TIMEOUT"],
  ])("error %i comes out of the loop", async (errorCode, code) => {
    kafka.joinErrors.push(errorCode);
    await expect(settle(runtime, readAll(member()).done)).rejects.toMatchObject({ code });
  });

  test("a coordinator that is away for long is a stall", async () => {
    const consumer = member();
    const stalls: string[] = [];
    consumer.on("stall", ({ operation }) => stalls.push(operation));
    kafka.cluster.stop(1);
    const { done } = readAll(consumer);
    await runtime.advance(30_000);
    expect(stalls).toEqual(["joining the group"]);
    kafka.cluster.start(1);
    await runtime.advance(5_000);
    expect(consumer.membershipState).toBe("stable");
    await settle(runtime, consumer.close());
    await done;
  });

  test("an assignment of partitions that do not exist (yet) does no harm", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.cluster.handle(syncGroupApi, () => ({
      errorCode: ErrorCode.NONE,
      assignment: encodeAssignment({
        partitions: [
          { topic: "t", partition: 0 },
          { topic: "gone", partition: 3 },
        ],
        userData: null,
      }),
    }));
    const { values } = readAll(member());
    await runtime.advance(2_000);
    expect(values).toEqual(["a"]);
  });
});

describe("heartbeats", () => {
  test("go on while a handler works", async () => {
    kafka.append("t", 0, ["a"]);
    const loop = member().records();
    await take(loop, 1);
    await runtime.advance(60_000);
    expect(kafka.heartbeats.length).toBe(20);
    expect(kafka.heartbeats[0]).toMatchObject({ groupId: "g", memberId: "member-1", generationId: 1 });
  });

  test("go out with other traffic where timers are held back", async () => {
    const consumer = member({ heartbeatIntervalMs: 3_000 });
    readAll(consumer);
    await runtime.advance(100);
    // As in a tab in the background: timers of a second or more run once a minute, sockets go on.
    const { schedule } = runtime.timers;
    runtime.timers.schedule = (delayMs, callback, options) =>
      schedule(delayMs >= 1_000 ? Math.ceil(delayMs / 60_000) * 60_000 : delayMs, callback, options);
    await runtime.advance(60_000);
    expect(kafka.heartbeats.length).toBeGreaterThan(15);
    runtime.timers.schedule = schedule;
  });

  test("that fail are tried again at once, at a coordinator that is looked up anew", async () => {
    const consumer = member();
    readAll(consumer);
    await runtime.advance(100);
    kafka.heartbeatErrors.push(ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    await runtime.advance(4_000);
    expect(kafka.heartbeats.length).toBe(3);
    expect(kafka.cluster.requestCounts.get("FindCoordinator")).toBe(3);
    expect(story).toEqual(["onAssigned t-0 t-1"]);
  });

  test("find another coordinator when the broker that was it has left the cluster", async () => {
    kafka = new FakeKafka(runtime, { t: 2 }, 2);
    const consumer = member({ heartbeatIntervalMs: 10_000 });
    readAll(consumer);
    await runtime.advance(1_000);
    kafka.cluster.stop(1);
    // By the next heartbeat the metadata does not have that broker any more.
    await runtime.advance(15_000);
    expect(kafka.heartbeats.length).toBeGreaterThan(0);
    expect(consumer.membershipState).toBe("stable");
  });

  test("that nobody answers are a stall", async () => {
    const consumer = member();
    const stalls: string[] = [];
    consumer.on("stall", ({ operation }) => stalls.push(operation));
    readAll(consumer);
    await runtime.advance(100);
    kafka.cluster.handle(heartbeatApi, () => new Promise(() => {}));
    await runtime.advance(120_000);
    expect(stalls).toContain("heartbeat");
  });
});

describe("a rebalance", () => {
  test("waits for the record in hand, commits, revokes, joins, and goes on from there", async () => {
    kafka.append("t", 0, ["a", "b", "c", "d"]);
    const consumer = member({ topics: "t", partitionAssignors: ["range"] });
    const loop = consumer.records();
    await take(loop, 2);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(10_000);
    expect(story).toEqual(["onAssigned t-0 t-1"]);
    expect(consumer.membershipState).toBe("preparing");
    expect(kafka.heartbeats.length).toBe(3);
    const { value: third } = await settle(runtime, loop.next());
    expect(third.value).toBe("c");
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-0 t-1", "onAssigned t-0 t-1"]);
    expect(kafka.committed.get("t:0")).toBe(2);
    expect(kafka.joins.at(-1)!.memberId).toBe("member-1");
  });

  test("does not wait for a loop that was left", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    const loop = consumer.records();
    await take(loop, 1);
    await loop.return!();
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(5_000);
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-0 t-1", "onAssigned t-0 t-1"]);
    const { value } = await settle(runtime, consumer.records().next());
    expect(value.value).toBe("a");
  });

  test("the listener is awaited, may commit and seek, and has the partitions while it does", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const consumer: Consumer = member({
      autoCommit: false,
      rebalanceListener: {
        async onAssigned() {
          consumer.seek({ topic: "t", partition: 0 }, 1);
          story.push("assigned");
        },
        async onRevoked(partitions) {
          story.push(`revoking ${names(consumer.assignment())}`);
          await new Promise<void>((resolve) => runtime.timers.schedule(2_000, resolve));
          await consumer.commit([{ ...partitions[0]!, offset: 7 }]);
          story.push("revoked");
        },
      },
    });
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["b", "c"]);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(8_000);
    expect(story).toEqual(["assigned", "revoking t-0 t-1", "revoked", "assigned"]);
    expect(kafka.committed.get("t:0")).toBe(7);
    expect(kafka.commits[0]).toMatchObject({ memberId: "member-1", generationIdOrMemberEpoch: 1 });
  });

  test("what the listener throws comes out of the loop; the membership goes on", async () => {
    const consumer = member({
      rebalanceListener: {
        onAssigned: () => {
          throw new Error("cannot load");
        },
      },
    });
    await expect(settle(runtime, readAll(consumer).done)).rejects.toMatchObject({
      code: "REBALANCE_LISTENER_FAILED",
      cause: expect.objectContaining({ message: "cannot load" }),
    });
    kafka.append("t", 0, ["a"]);
    const { values } = readAll(consumer);
    await runtime.advance(1_000);
    expect([values, consumer.membershipState]).toEqual([["a"], "stable"]);
  });

  test.each([
    { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberIds: ["", "member-1", "", "member-2"] },
    { errorCode: ErrorCode.ILLEGAL_GENERATION, memberIds: ["", "member-1", "member-1"] },
  ])(
    "after error $errorCode the partitions are lost at once, and nothing is committed",
    async ({ errorCode, memberIds }) => {
      kafka.append("t", 0, ["a", "b"]);
      const consumer = member({ autoCommitIntervalMs: 100_000 });
      const loop = consumer.records();
      await take(loop, 2);
      kafka.heartbeatErrors.push(errorCode);
      await runtime.advance(4_000);
      expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
      expect(kafka.joins.map(({ memberId }) => memberId)).toEqual(memberIds);
      expect(kafka.commits).toEqual([]);
      expect((await settle(runtime, loop.next())).value.value).toBe("a");
    },
  );

  test("a member that is put out while it waits for the handler has lost its partitions", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    await take(consumer.records(), 1);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.UNKNOWN_MEMBER_ID);
    await runtime.advance(8_000);
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
  });

  test("a fenced static member ends", async () => {
    const consumer = member({ groupInstanceId: "one" });
    const { done } = readAll(consumer);
    await runtime.advance(100);
    kafka.heartbeatErrors.push(ErrorCode.FENCED_INSTANCE_ID);
    await expect(settle(runtime, done)).rejects.toMatchObject({ code: "FENCED_INSTANCE_ID" });
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1"]);
  });

  test("a commit that the coordinator refuses tells the membership", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = member({ autoCommit: false });
    await take(consumer.records(), 1);
    kafka.commitError = ErrorCode.UNKNOWN_MEMBER_ID;
    await expect(settle(runtime, consumer.commit())).rejects.toMatchObject({ code: "UNKNOWN_MEMBER_ID" });
    await runtime.advance(1_000);
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
  });

  test("follows a new subscription", async () => {
    kafka.cluster.createTopic("u", 1);
    kafka.append("u", 0, ["from u"]);
    const consumer = member();
    const { values } = readAll(consumer);
    await runtime.advance(500);
    consumer.subscribe(["u"]);
    await runtime.advance(1_000);
    expect(consumer.subscription()).toEqual(["u"]);
    expect(values).toEqual(["from u"]);
    expect(consumer.assignment()).toEqual([{ topic: "u", partition: 0 }]);
  });

  test("follows partitions that are added, and topics that come into being", async () => {
    const consumer = member({ topics: ["t", "later"], metadataMaxAgeMs: 5_000 });
    readAll(consumer);
    await runtime.advance(1_000);
    expect(names(consumer.assignment())).toBe("t-0 t-1");
    kafka.cluster.createTopic("later", 1);
    await runtime.advance(4_000);
    expect(names(consumer.assignment())).toBe("later-0 t-0 t-1");
    kafka.cluster.createTopic("later", 2);
    await runtime.advance(6_000);
    expect(names(consumer.assignment())).toBe("later-0 later-1 t-0 t-1");
  });
});

describe("a cooperative rebalance", () => {
  const T0 = { topic: "t", partition: 0 };
  const T1 = { topic: "t", partition: 1 };

  /** The coordinator assigns these, whatever the leader says. */
  function assignInstead(...partitions: number[]): void {
    kafka.cluster.handle(syncGroupApi, () => ({
      errorCode: ErrorCode.NONE,
      assignment: encodeAssignment({
        partitions: partitions.map((partition) => ({ topic: "t", partition })),
        userData: null,
      }),
    }));
  }

  test("keeps reading and committing what it keeps while the group rebalances", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = member({ partitionAssignors: ["cooperative-sticky"], autoCommit: false });
    const { values, records } = readAll(consumer);
    await runtime.advance(500);
    let answerJoin = () => {};
    kafka.joinGate = new Promise((resolve) => {
      answerJoin = resolve;
    });
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    expect(consumer.membershipState).toBe("joining");
    kafka.append("t", 0, ["b"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["a", "b"]);
    await settle(runtime, consumer.commit(records.at(-1)!));
    expect(kafka.committed.get("t:0")).toBe(2);
    answerJoin();
    await runtime.advance(1_000);
    expect(consumer.membershipState).toBe("stable");
    expect(story).toEqual(["onAssigned t-0 t-1", "onAssigned "]);
    const { ownedPartitions, generationId } = decodeSubscription("m", null, kafka.joins.at(-1)!.protocols[0]!.metadata);
    expect([ownedPartitions, generationId]).toEqual([[T0, T1], 1]);
  });

  test("gives up only what moves, in order, and joins again so that others may have it", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b"]);
    const consumer = member({ partitionAssignors: ["cooperative-sticky"] });
    const { values } = readAll(consumer);
    await runtime.advance(500);
    const [joinsBefore] = [kafka.joins.length];
    assignInstead(0);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-1", "onAssigned ", "onAssigned "]);
    expect(kafka.committed.get("t:1")).toBe(1);
    expect(kafka.joins.length).toBe(joinsBefore + 2);
    const { ownedPartitions } = decodeSubscription("m", null, kafka.joins.at(-1)!.protocols[0]!.metadata);
    expect(ownedPartitions).toEqual([T0]);
    kafka.append("t", 0, ["c"]);
    kafka.append("t", 1, ["not ours"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["a", "b", "c"]);
  });

  test("waits for the handler only if what it has in hand moves", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member({ partitionAssignors: ["cooperative-sticky"] });
    const loop = consumer.records();
    await take(loop, 1);
    assignInstead(0);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    expect(story).toContain("onRevoked t-1");
    assignInstead();
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    expect([consumer.membershipState, story.includes("onRevoked t-0")]).toEqual(["revoking", false]);
    const next = loop.next();
    await runtime.advance(100);
    expect(story).toContain("onRevoked t-0");
    expect(kafka.committed.get("t:0")).toBe(1);
    await settle(runtime, consumer.close());
    await next;
  });

  test("has lost everything when the coordinator does not know the member any more", async () => {
    const consumer = member({ partitionAssignors: ["cooperative-sticky"] });
    readAll(consumer);
    await runtime.advance(500);
    kafka.joinErrors.push(ErrorCode.UNKNOWN_MEMBER_ID);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(5_000);
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
    expect(consumer.membershipState).toBe("stable");
  });

  test("does not commit for a partition that is not the member's any more", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b"]);
    const consumer = member({ partitionAssignors: ["cooperative-sticky"], autoCommit: false });
    const { records } = readAll(consumer);
    await runtime.advance(500);
    assignInstead(0);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    const ofT1 = records.find(({ partition }) => partition === 1)!;
    await expect(settle(runtime, consumer.commit(ofT1))).rejects.toMatchObject({ code: "NOT_ASSIGNED" });
    await expect(settle(runtime, consumer.commit([{ ...T1, offset: 1 }]))).rejects.toMatchObject({
      code: "NOT_ASSIGNED",
    });
    // Back again, the partition may have been read further by another member in the meantime.
    assignInstead(0, 1);
    kafka.heartbeatErrors.push(ErrorCode.REBALANCE_IN_PROGRESS);
    await runtime.advance(4_000);
    await expect(settle(runtime, consumer.commit(ofT1))).rejects.toMatchObject({ code: "NOT_ASSIGNED" });
    expect(kafka.commits).toEqual([]);
    await settle(runtime, consumer.commit(records.find(({ partition }) => partition === 0)!));
    expect(kafka.committed.get("t:0")).toBe(1);
  });
});

describe("a regular expression", () => {
  test("finds topics, also those to come, but no internal ones", async () => {
    kafka.cluster.createTopic("orders-eu", 1);
    kafka.cluster.createTopic("old-orders", 1);
    const consumer = member({ topics: /^orders-/, metadataMaxAgeMs: 5_000 });
    readAll(consumer);
    await runtime.advance(1_000);
    expect(names(consumer.assignment())).toBe("orders-eu-0");
    expect(consumer.subscription()).toEqual(["orders-eu"]);
    kafka.cluster.createTopic("orders-us", 1);
    await runtime.advance(6_000);
    expect(names(consumer.assignment())).toBe("orders-eu-0 orders-us-0");
  });
});

describe("the consumer protocol", () => {
  const consumerMember = (options: Partial<ConsumerOptions> = {}) => member({ groupProtocol: "consumer", ...options });

  test("joins with all there is to say, reads what it is given, and says so", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = consumerMember({ groupRemoteAssignor: "range", clientRack: "r1" });
    const { values } = readAll(consumer);
    await runtime.advance(500);
    expect(values).toEqual(["a"]);
    const [join, acknowledgement] = kafka.consumerHeartbeats;
    expect(join).toMatchObject({
      groupId: "g",
      memberEpoch: 0,
      rackId: "r1",
      rebalanceTimeoutMs: 300_000,
      subscribedTopicNames: ["t"],
      serverAssignor: "range",
      topicPartitions: [],
    });
    expect(join!.memberId).toHaveLength(22);
    expect(acknowledgement).toMatchObject({
      memberEpoch: 1,
      subscribedTopicNames: null,
      serverAssignor: null,
      topicPartitions: [{ partitions: [0, 1] }],
    });
    await runtime.advance(3_000);
    expect(kafka.consumerHeartbeats.length).toBe(5);
    expect(kafka.consumerHeartbeats.at(-1)).toMatchObject({ memberEpoch: 1, topicPartitions: null });
    expect(consumer.groupMetadata()).toMatchObject({ memberId: join!.memberId, generationId: 1 });
  });

  test("gives up what goes before it acknowledges, and reads the rest on", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b", "c"]);
    const consumer = consumerMember();
    const loop = consumer.records();
    await take(loop, 2);
    kafka.assignTo({ t: [0] });
    await runtime.advance(3_000);
    expect([consumer.membershipState, story]).toEqual(["revoking", ["onAssigned t-0 t-1"]]);
    expect(kafka.consumerHeartbeats.slice(2).every(({ topicPartitions }) => topicPartitions === null)).toBe(true);
    const next = loop.next();
    await runtime.advance(100);
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-1", "onAssigned "]);
    expect(kafka.committed.get("t:1")).toBe(1);
    expect(kafka.consumerHeartbeats.at(-1)).toMatchObject({ topicPartitions: [{ partitions: [0] }] });
    kafka.append("t", 0, ["d"]);
    expect((await settle(runtime, next)).value.value).toBe("d");
  });

  test.each([ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID])(
    "after error %i has lost its partitions, and joins anew under the same id",
    async (errorCode) => {
      const consumer = consumerMember();
      readAll(consumer);
      await runtime.advance(500);
      kafka.consumerHeartbeatErrors.push(errorCode);
      await runtime.advance(3_000);
      expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
      const joins = kafka.consumerHeartbeats.filter(({ memberEpoch }) => memberEpoch === 0);
      expect(joins.length).toBe(2);
      expect(new Set(joins.map(({ memberId }) => memberId)).size).toBe(1);
    },
  );

  test.each([
    [ErrorCode.UNSUPPORTED_ASSIGNOR, "UNSUPPORTED_ASSIGNOR"],
    [ErrorCode.GROUP_MAX_SIZE_REACHED, "GROUP_MAX_SIZE_REACHED"],
    [ErrorCode.INVALID_REGULAR_EXPRESSION, "INVALID_REGULAR_EXPRESSION"],
  ])("error %i comes out of the loop", async (errorCode, code) => {
    kafka.consumerHeartbeatErrors.push(errorCode);
    await expect(settle(runtime, readAll(consumerMember()).done)).rejects.toMatchObject({ code });
  });

  test("waits for its instance id while the coordinator counts on the last life of this process", async () => {
    kafka.consumerHeartbeatErrors.push(...Array(20).fill(ErrorCode.UNRELEASED_INSTANCE_ID));
    const consumer = consumerMember({ groupInstanceId: "i" });
    const stalls: string[] = [];
    consumer.on("stall", ({ error }) => stalls.push(error.code));
    readAll(consumer);
    await runtime.advance(12_000);
    expect(consumer.membershipState).toBe("joining");
    expect(stalls).toEqual(["UNRELEASED_INSTANCE_ID"]);
    await runtime.advance(10_000);
    expect(consumer.membershipState).toBe("stable");
    expect(story).toEqual(["onAssigned t-0 t-1"]);
  });

  test("tells everything again after a heartbeat that may not have arrived", async () => {
    const consumer = consumerMember();
    readAll(consumer);
    await runtime.advance(500);
    kafka.consumerHeartbeatErrors.push(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    await runtime.advance(2_000);
    expect(kafka.consumerHeartbeats.at(3)).toMatchObject({
      memberEpoch: 1,
      subscribedTopicNames: ["t"],
      topicPartitions: [{ partitions: [0, 1] }],
    });
    expect(consumer.membershipState).toBe("stable");
  });

  test("a commit with an epoch that has become stale is made again", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = consumerMember({ autoCommit: false });
    const loop = consumer.records();
    await take(loop, 1);
    kafka.commitError = ErrorCode.STALE_MEMBER_EPOCH;
    const commit = consumer.commit();
    await runtime.advance(500);
    kafka.commitError = ErrorCode.NONE;
    await settle(runtime, commit);
    expect(kafka.committed.get("t:0")).toBe(1);
  });

  test("a commit that is tried again does not undo a later one", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = consumerMember({ autoCommit: false });
    await take(consumer.records(), 2);
    kafka.commitError = ErrorCode.STALE_MEMBER_EPOCH;
    const earlier = consumer.commit([{ topic: "t", partition: 0, offset: 1 }]);
    await runtime.advance(20);
    kafka.commitError = ErrorCode.NONE;
    const later = consumer.commit([{ topic: "t", partition: 0, offset: 2 }]);
    await settle(runtime, Promise.all([earlier, later]));
    expect(kafka.committed.get("t:0")).toBe(2);
  });

  test("a regular expression goes to the coordinator", async () => {
    const consumer = consumerMember({ topics: /^T$/i });
    readAll(consumer);
    await runtime.advance(1_000);
    expect(kafka.consumerHeartbeats[0]).toMatchObject({
      subscribedTopicNames: [],
      subscribedTopicRegex: "(?i).*(?:^T$).*",
    });
    expect(names(consumer.assignment())).toBe("t-0 t-1");
    consumer.subscribe("t");
    await runtime.advance(1_000);
    const resubscribed = kafka.consumerHeartbeats.find(({ subscribedTopicRegex }) => subscribedTopicRegex === "");
    expect(resubscribed).toMatchObject({ subscribedTopicNames: ["t"] });
  });

  test.each([
    { groupInstanceId: undefined, memberEpoch: -1 },
    { groupInstanceId: "one", memberEpoch: -2 },
  ])("leaves with epoch $memberEpoch", async ({ groupInstanceId, memberEpoch }) => {
    const consumer = consumerMember(groupInstanceId === undefined ? {} : { groupInstanceId });
    await settle(runtime, consumer.start());
    await settle(runtime, consumer.close());
    expect(kafka.consumerHeartbeats.at(-1)).toMatchObject({ memberEpoch, instanceId: groupInstanceId ?? null });
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-0 t-1"]);
  });

  test("a handler that hangs leaves, and is let back in", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = consumerMember({ maxPollIntervalMs: 20_000 });
    const loop = consumer.records();
    await take(loop, 1);
    await runtime.advance(26_000);
    expect(consumer.membershipState).toBe("suspended");
    expect(kafka.consumerHeartbeats.at(-1)).toMatchObject({ memberEpoch: -1 });
    expect((await settle(runtime, loop.next())).value.value).toBe("a");
    expect([consumer.membershipState, story.at(-1)]).toEqual(["stable", "onAssigned t-0 t-1"]);
  });
});

describe("a tab in the background whose timers run once a minute", () => {
  const SESSION_MS = 45_000;

  /** The coordinator puts out who is not heard of for a session. */
  function expelTheSilent(): void {
    let heardAtMs: number | undefined;
    const verdict = () => {
      const nowMs = runtime.clock.monotonicMs();
      const silentMs = nowMs - (heardAtMs ?? nowMs);
      heardAtMs = nowMs;
      return silentMs > SESSION_MS ? ErrorCode.UNKNOWN_MEMBER_ID : ErrorCode.NONE;
    };
    kafka.cluster.handle(heartbeatApi, () => ({ errorCode: verdict() }));
    kafka.consumerVerdict = ({ memberEpoch }) => {
      if (memberEpoch !== 0) return verdict();
      heardAtMs = runtime.clock.monotonicMs();
      return ErrorCode.NONE;
    };
  }

  function throttleTimers(): () => void {
    const { schedule } = runtime.timers;
    runtime.timers.schedule = (delayMs, callback, options) =>
      schedule(delayMs >= 1_000 ? Math.ceil(delayMs / 60_000) * 60_000 : delayMs, callback, options);
    return () => {
      runtime.timers.schedule = schedule;
    };
  }

  test.each(["classic", "consumer"] as const)("%s: stays in the group while it reads", async (groupProtocol) => {
    expelTheSilent();
    const consumer = member({ groupProtocol });
    const { values } = readAll(consumer);
    await runtime.advance(100);
    const restore = throttleTimers();
    await runtime.advance(300_000);
    kafka.append("t", 0, ["late"]);
    await runtime.advance(1_000);
    restore();
    expect([values, story]).toEqual([["late"], ["onAssigned t-0 t-1"]]);
  });

  test.each(["classic", "consumer"] as const)(
    "%s: that reads nothing is put out, and is a member again as soon as it hears of it",
    async (groupProtocol) => {
      expelTheSilent();
      const consumer = member({ groupProtocol });
      const { values } = readAll(consumer);
      await runtime.advance(7_000);
      consumer.pause();
      await runtime.advance(600);
      const restore = throttleTimers();
      await runtime.advance(125_000);
      restore();
      expect(story.slice(0, 3)).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
      expect(consumer.membershipState).toBe("stable");
      kafka.append("t", 0, ["late"]);
      await runtime.advance(1_000);
      expect(values).toEqual(["late"]);
    },
  );
});

describe("a handler that hangs", () => {
  test("is reported, left out of the group, and let back in", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const consumer = member({ maxPollIntervalMs: 20_000, autoCommitIntervalMs: 100_000 });
    const hangs: number[] = [];
    consumer.on("handlerHangs", ({ maxPollIntervalMs }) => hangs.push(maxPollIntervalMs));
    const loop = consumer.records();
    await take(loop, 2);
    await runtime.advance(26_000);
    expect(hangs).toEqual([20_000]);
    expect(kafka.leaves.map(({ members }) => members[0])).toMatchObject([
      { memberId: "member-1", reason: "the handler hangs" },
    ]);
    expect(consumer.membershipState).toBe("suspended");
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1"]);
    expect(kafka.committed.get("t:0")).toBe(1);
    await runtime.advance(60_000);
    expect((await settle(runtime, loop.next())).value.value).toBe("b");
    expect(consumer.membershipState).toBe("stable");
  });

  test("is not one that takes its time but asks for more", async () => {
    kafka.append("t", 0, ["a", "b", "c", "d", "e"]);
    const consumer = member({ maxPollIntervalMs: 20_000 });
    const loop = consumer.records();
    for (let read = 0; read < 5; read++) {
      await take(loop, 1);
      await runtime.advance(14_000);
    }
    expect(consumer.membershipState).toBe("stable");
  });
});

describe("closing", () => {
  test("commits what is processed, revokes, leaves, and ends the loop", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const consumer = member();
    const loop = consumer.records();
    await take(loop, 3);
    await settle(runtime, consumer.close());
    expect(kafka.committed.get("t:0")).toBe(2);
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-0 t-1"]);
    expect(kafka.leaves).toMatchObject([
      { groupId: "g", members: [{ memberId: "member-1", reason: "the consumer was closed" }] },
    ]);
    expect(await loop.next()).toMatchObject({ done: true });
    expect(consumer.membershipState).toBe("left");
  });

  test("a static member stays in the group", async () => {
    const consumer = member({ groupInstanceId: "one" });
    await settle(runtime, consumer.start());
    await settle(runtime, consumer.close());
    expect(kafka.leaves).toEqual([]);
  });

  test("while joining, and before anything", async () => {
    kafka.cluster.faultOf = ({ apiName }) => (apiName === "JoinGroup" ? { kind: "silence" } : undefined);
    const joining = member();
    readAll(joining);
    await runtime.advance(100);
    await settle(runtime, joining.close());
    await settle(runtime, member().close());
  });

  test("takes no longer than it may when nobody answers", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    await take(consumer.records(), 2);
    kafka.cluster.stop(1);
    const beganAtMs = runtime.clock.monotonicMs();
    await settle(runtime, consumer.close({ timeoutMs: 2_000 }));
    expect(runtime.clock.monotonicMs() - beganAtMs).toBeLessThan(2_200);
  });

  test("from within the loop", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const record of consumer) {
        seen.push(record.value);
        await consumer.close();
      }
    })();
    await settle(runtime, loop);
    expect(seen).toEqual(["a"]);
  });

  test("unsubscribe leaves, and another subscription joins again", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = member();
    await settle(runtime, consumer.start());
    await settle(runtime, consumer.unsubscribe());
    expect(kafka.leaves.length).toBe(1);
    expect(consumer.assignment()).toEqual([]);
    consumer.assign([{ topic: "t", partition: 0 }]);
    const loop = consumer.records();
    expect((await settle(runtime, loop.next())).value.value).toBe("a");
    expect(() => consumer.subscribe("t")).toThrow(/unsubscribe first/);
  });

  test("a loop outlives unsubscribe, and reads what is subscribed to next", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b"]);
    const consumer = member({ autoCommit: false });
    const { values } = readAll(consumer);
    await runtime.advance(500);
    await settle(runtime, consumer.unsubscribe());
    consumer.subscribe("t");
    await runtime.advance(1_000);
    expect([...values].sort()).toEqual(["a", "a", "b", "b"]);
  });
});
