import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { DEFAULT_SESSION_MS, ShardHarness } from "../test-support/shard-harness.ts";

describe("Heartbeat", () => {
  it.each([
    ["the right member", {}, ErrorCode.NONE],
    ["an empty group id", { groupId: "" }, ErrorCode.INVALID_GROUP_ID],
    ["an unknown group", { groupId: "other" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown member", { memberId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["no member", { memberId: "" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an older generation", { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ["a later generation", { generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
    ["an unknown instance", { instanceId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
  ])("of %s", (_, options, errorCode) => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    const sent = { memberId: memberIds[0]!, generationId: 1, groupId: "group", instanceId: null, ...options };
    expect(harness.heartbeat(sent.memberId, sent.generationId, sent.groupId, sent.instanceId)).toBe(errorCode);
    expect(harness.state()).toBe("Stable");
  });

  it("answers by the group's state", () => {
    const harness = new ShardHarness();
    const { memberId } = harness.join().answer;
    expect(harness.state()).toBe("Empty");
    expect(harness.heartbeat(memberId, 0)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    harness.join({ memberId });
    expect(harness.state()).toBe("PreparingRebalance");
    expect(harness.heartbeat(memberId, 0)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    harness.advance(0);
    expect(harness.state()).toBe("CompletingRebalance");
    expect(harness.heartbeat(memberId, 1)).toBe(ErrorCode.NONE);
    harness.sync(memberId, 1);
    expect(harness.state()).toBe("Stable");
    expect(harness.heartbeat(memberId, 1)).toBe(ErrorCode.NONE);
  });

  it("keeps the session alive; without it the member is out and the others rebalance", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    for (let beat = 0; beat < 10; beat++) {
      harness.advance(DEFAULT_SESSION_MS - 1);
      for (const memberId of memberIds) expect(harness.heartbeat(memberId, 1)).toBe(ErrorCode.NONE);
    }
    harness.advance(DEFAULT_SESSION_MS - 1);
    harness.heartbeat(memberIds[0]!, 1);
    harness.advance(1);
    expect(harness.heartbeat(memberIds[1]!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.heartbeat(memberIds[0]!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it("is not needed while offsets are committed", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1);
    for (let commit = 0; commit < 5; commit++) {
      harness.advance(DEFAULT_SESSION_MS - 1);
      expect(harness.commitError({ "t-0": commit }, { memberId: memberIds[0]!, generationId })).toBe(ErrorCode.NONE);
    }
  });

  it("missing from all members leaves an empty group of the next generation", () => {
    const harness = new ShardHarness();
    harness.stableGroup(3);
    harness.advance(DEFAULT_SESSION_MS);
    expect(harness.state()).toBe("Empty");
    expect(harness.replica().groupCount).toBe(1);
  });

  it("goes by a clock that is never set back or forward", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    const later = { wallMs: harness.now.wallMs + 10 * DEFAULT_SESSION_MS, monotonicMs: harness.monotonicMs };
    harness.shard.tick(later);
    expect(harness.heartbeat(memberIds[0]!, 1)).toBe(ErrorCode.NONE);
  });
});
