import { ErrorCode } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { ConsumerOptions } from "../index.ts";
import { kafka, member, names, runtime, story, take, useGroup } from "../test-support/group-fixture.ts";
import { readAll, settle } from "../test-support/reading.ts";

useGroup();

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
