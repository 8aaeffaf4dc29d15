import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { DEFAULT_SESSION_MS, ShardHarness } from "../test-support/shard-harness.ts";

describe("a client that goes while it waits", () => {
  it("for others to join does not keep them waiting, and may come back to its place", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    const [leader, follower] = memberIds as [string, string];
    const gone = harness.join({ memberId: leader });
    harness.clientGone(gone);
    const ticket = harness.join({ memberId: follower });
    expect(gone.isAnswered).toBe(false);
    // The one who is there leads.
    expect(ticket.answer).toMatchObject({ generationId: 2, leader: follower });
    expect(ticket.answer.members).toHaveLength(2);
    expect(harness.join({ memberId: leader }).answer).toMatchObject({ generationId: 2, leader: follower });
    harness.sync(follower, 2, { [leader]: "for the one who came back" });
    expect(harness.sync(leader, 2).answer.errorCode).toBe(ErrorCode.NONE);
  });

  it("for others to join, and stays away, is out when its session ends", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    const [leader, follower] = memberIds as [string, string];
    harness.clientGone(harness.join({ memberId: leader }));
    harness.join({ memberId: follower });
    harness.sync(follower, 2);
    harness.advance(DEFAULT_SESSION_MS - 1);
    expect(harness.heartbeat(follower, 2)).toBe(ErrorCode.NONE);
    harness.advance(1);
    expect(harness.heartbeat(follower, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it("with a member id that it was never told is out at once", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    const unknown = harness.join({ version: 3 });
    const leader = () => harness.join({ memberId: memberIds[0]! });
    expect(harness.state()).toBe("PreparingRebalance");
    harness.clientGone(unknown);
    expect(leader().answer).toMatchObject({ generationId: 2 });
    expect(harness.describe()[0]!.members).toHaveLength(1);
  });

  it("for its assignment can fetch it later", () => {
    const harness = new ShardHarness();
    const a = harness.joinTwice();
    const b = harness.joinTwice();
    harness.advance(0);
    const gone = harness.sync(b.memberId, 1);
    harness.clientGone(gone);
    harness.sync(a.memberId, 1, { [b.memberId]: "b's" });
    expect(gone.isAnswered).toBe(false);
    expect(harness.sync(b.memberId, 1).answer.assignment).toEqual(new TextEncoder().encode("b's"));
  });

  it("for its assignment, and stays away, is out when its session ends", () => {
    const harness = new ShardHarness();
    const a = harness.joinTwice({ rebalanceTimeoutMs: 600_000 });
    const b = harness.joinTwice({ rebalanceTimeoutMs: 600_000 });
    harness.advance(0);
    harness.clientGone(harness.sync(a.memberId, 1));
    // The leader has stored its assignment before it went.
    expect(harness.sync(b.memberId, 1).answer.errorCode).toBe(ErrorCode.NONE);
    harness.advance(DEFAULT_SESSION_MS - 1);
    expect(harness.heartbeat(b.memberId, 1)).toBe(ErrorCode.NONE);
    harness.advance(1);
    expect(harness.heartbeat(b.memberId, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.describe()[0]!.members.map(({ memberId }) => memberId)).toEqual([b.memberId]);
  });

  it("and had its answer already changes nothing", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    const answered = harness.sync(memberIds[0]!, 1);
    harness.clientGone(answered);
    harness.clientGone(answered, "no such group");
    expect(harness.state()).toBe("Stable");
  });
});
