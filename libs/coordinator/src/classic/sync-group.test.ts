import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { DEFAULT_REBALANCE_MS, DEFAULT_SESSION_MS, ShardHarness, textOf } from "../test-support/shard-harness.ts";

/** A group of two whose members have been told of generation 1. */
function completingGroup(harness: ShardHarness, options: { readonly rebalanceTimeoutMs?: number } = {}) {
  const leader = harness.joinTwice(options);
  const follower = harness.joinTwice(options);
  harness.advance(0);
  return { leader: leader.memberId, follower: follower.memberId };
}

describe("SyncGroup", () => {
  it("gives every member its part of the leader's assignment, whoever asks first", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness);
    const early = harness.sync(follower, 1);
    expect(early.isAnswered).toBe(false);
    const ticket = harness.sync(leader, 1, { [leader]: "for the leader", [follower]: "for the follower" });
    expect(ticket.answer).toMatchObject({ errorCode: 0, protocolType: "consumer", protocolName: "range" });
    expect(textOf(ticket.answer.assignment)).toBe("for the leader");
    expect(textOf(early.answer.assignment)).toBe("for the follower");
    expect(harness.state()).toBe("Stable");
    expect(textOf(harness.sync(follower, 1).answer.assignment)).toBe("for the follower");
  });

  it("gives an empty part to members that the leader left out, and none to strangers", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness);
    harness.sync(leader, 1, { stranger: "x" });
    expect(harness.sync(follower, 1).answer.assignment).toHaveLength(0);
    expect(harness.describe()[0]!.members).toHaveLength(2);
  });

  it.each([
    ["an empty group id", { groupId: "" }, ErrorCode.INVALID_GROUP_ID],
    ["an unknown group", { groupId: "other" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown member", { memberId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown instance", { instanceId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an older generation", { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ["a later generation", { generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
    ["another protocol type", { protocolType: "connect" }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ["another protocol name", { protocolName: "sticky" }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ["the right protocol", { protocolType: "consumer", protocolName: "range" }, ErrorCode.NONE],
  ])("with %s", (_, options, errorCode) => {
    const harness = new ShardHarness();
    const { leader } = completingGroup(harness);
    const { memberId = leader, generationId = 1, ...rest } = options as { memberId?: string; generationId?: number };
    expect(harness.sync(memberId, generationId, {}, rest).answer.errorCode).toBe(errorCode);
    expect(harness.state()).toBe(errorCode === ErrorCode.NONE ? "Stable" : "CompletingRebalance");
  });

  it("in a group that prepares a rebalance sends the member to join again", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(2);
    harness.join({ memberId: memberIds[0]! });
    expect(harness.sync(memberIds[1]!, generationId).answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it("in an empty group knows no member", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1);
    harness.leave(memberIds);
    expect(harness.sync(memberIds[0]!, generationId).answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("asked twice answers the first request as well", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness);
    const first = harness.sync(follower, 1);
    const second = harness.sync(follower, 1);
    expect(first.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    harness.sync(leader, 1, { [follower]: "f" });
    expect(textOf(second.answer.assignment)).toBe("f");
  });

  it("takes out the members that have not asked within the rebalance timeout", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness, { rebalanceTimeoutMs: 8_000 });
    harness.sync(leader, 1);
    expect(harness.state()).toBe("Stable");
    harness.advance(7_999);
    expect(harness.heartbeat(follower, 1)).toBe(ErrorCode.NONE);
    harness.advance(1);
    expect(harness.heartbeat(follower, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.heartbeat(leader, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it("gives members whose rebalance timeout is 0 the time of a round trip", () => {
    const harness = new ShardHarness();
    const { leader } = completingGroup(harness, { rebalanceTimeoutMs: 0 });
    harness.advance(999);
    expect(harness.sync(leader, 1).answer.errorCode).toBe(ErrorCode.NONE);
  });

  it("waits for the leader only as long as the leader lives", () => {
    const harness = new ShardHarness();
    const { follower } = completingGroup(harness);
    const waiting = harness.sync(follower, 1);
    harness.advance(DEFAULT_SESSION_MS);
    expect(waiting.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const again = harness.join({ memberId: follower });
    expect(again.answer).toMatchObject({ generationId: 2, leader: follower });
  });

  it("excuses those who wait from heartbeats, and expects them again after the answer", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness, { rebalanceTimeoutMs: 300_000 });
    const waiting = harness.sync(follower, 1);
    for (let elapsedMs = 0; elapsedMs < 5 * DEFAULT_SESSION_MS; elapsedMs += DEFAULT_SESSION_MS / 2) {
      harness.heartbeat(leader, 1);
      harness.advance(DEFAULT_SESSION_MS / 2);
    }
    expect(waiting.isAnswered).toBe(false);
    harness.sync(leader, 1);
    expect(waiting.answer.errorCode).toBe(ErrorCode.NONE);
    harness.advance(DEFAULT_SESSION_MS);
    expect(harness.heartbeat(follower, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  describe("until the assignment is in the log", () => {
    it("nobody has it", () => {
      const harness = new ShardHarness();
      const { leader, follower } = completingGroup(harness);
      harness.holdsCommits = true;
      const tickets = [harness.sync(follower, 1), harness.sync(leader, 1, { [follower]: "f" })];
      expect(tickets.map(({ isAnswered }) => isAnswered)).toEqual([false, false]);
      expect(harness.state()).toBe("CompletingRebalance");
      harness.commitAll();
      expect(tickets.map(({ answer }) => answer.errorCode)).toEqual([0, 0]);
      expect(harness.state()).toBe("Stable");
    });

    it("a leader that repeats itself does not change it", () => {
      const harness = new ShardHarness();
      const { leader, follower } = completingGroup(harness);
      harness.holdsCommits = true;
      const first = harness.sync(leader, 1, { [follower]: "first" });
      const second = harness.sync(leader, 1, { [follower]: "second" });
      expect(first.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      harness.commitAll();
      expect(second.answer.errorCode).toBe(ErrorCode.NONE);
      expect(textOf(harness.sync(follower, 1).answer.assignment)).toBe("first");
      harness.crashAndReload();
      expect(textOf(harness.sync(follower, 1).answer.assignment)).toBe("first");
    });

    it.each([
      [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
      [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
      [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
      [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    ])("and when the log refuses it with error %i, everybody gets %i and joins again", (appendError, errorCode) => {
      const harness = new ShardHarness();
      const { leader, follower } = completingGroup(harness);
      harness.holdsCommits = true;
      const tickets = [harness.sync(follower, 1), harness.sync(leader, 1)];
      harness.failAll(appendError);
      expect(tickets.map(({ answer }) => answer.errorCode)).toEqual([errorCode, errorCode]);
      expect(harness.state()).toBe("PreparingRebalance");
    });

    it("a rebalance that begins meanwhile wins", () => {
      const harness = new ShardHarness();
      const { leader } = completingGroup(harness);
      harness.holdsCommits = true;
      const ticket = harness.sync(leader, 1);
      harness.join({ memberId: leader, protocols: [["range", "new"]] });
      expect(ticket.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      harness.commitAll();
      expect(harness.state()).toBe("PreparingRebalance");
    });

    it("nobody waits longer than offsets.commit.timeout.ms", () => {
      const harness = new ShardHarness({ offsetsCommitTimeoutMs: 5_000 });
      const { leader } = completingGroup(harness);
      harness.holdsCommits = true;
      const ticket = harness.sync(leader, 1);
      harness.advance(4_999);
      expect(ticket.isAnswered).toBe(false);
      harness.advance(1);
      expect(ticket.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      harness.commitAll();
      expect(harness.state()).toBe("PreparingRebalance");
    });
  });

  it("does not let a rebalance take longer than its timeout for members that stay away", () => {
    const harness = new ShardHarness();
    const { leader, follower } = completingGroup(harness);
    harness.sync(leader, 1);
    harness.sync(follower, 1);
    const again = harness.join({ memberId: leader });
    for (let elapsedMs = 0; elapsedMs < DEFAULT_REBALANCE_MS; elapsedMs += 5_000) {
      harness.heartbeat(follower, 1);
      harness.advance(5_000);
    }
    expect(again.answer.members).toHaveLength(1);
  });
});
