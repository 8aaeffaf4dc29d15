import { ErrorCode, syncGroupApi } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { Consumer } from "../index.ts";
import { kafka, member, names, runtime, story, take, useGroup } from "../test-support/group-fixture.ts";
import { readAll, settle } from "../test-support/reading.ts";
import { decodeSubscription, encodeAssignment } from "./consumer-protocol.ts";

useGroup();

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
