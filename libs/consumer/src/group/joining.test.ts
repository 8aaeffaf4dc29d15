import { ErrorCode, heartbeatApi, syncGroupApi } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { PartitionAssignor } from "../index.ts";
import { kafka, member, names, runtime, startKafka, story, take, useGroup } from "../test-support/group-fixture.ts";
import { readAll, settle } from "../test-support/reading.ts";
import { decodeSubscription, encodeAssignment } from "./consumer-protocol.ts";

useGroup();

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
    startKafka(2);
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
