import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { ShardHarness } from "../test-support/shard-harness.ts";

const errorCodes = (answer: { readonly members?: readonly { readonly errorCode: number }[] | undefined }) =>
  answer.members?.map(({ errorCode }) => errorCode);

describe("LeaveGroup", () => {
  it("has the others rebalance, and the next leader lead", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(3);
    const { answer } = harness.leave([{ memberId: memberIds[0]!, reason: "shutting down" }]);
    expect(answer).toMatchObject({ errorCode: 0 });
    expect(errorCodes(answer)).toEqual([ErrorCode.NONE]);
    const tickets = memberIds.slice(1).map((memberId) => harness.join({ memberId }));
    expect(tickets.map((ticket) => ticket.answer.leader)).toEqual([memberIds[1], memberIds[1]]);
  });

  it("of the last member leaves an empty group, once the log says so", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    harness.holdsCommits = true;
    const ticket = harness.leave(memberIds);
    expect(ticket.isAnswered).toBe(false);
    harness.commitAll();
    expect(errorCodes(ticket.answer)).toEqual([ErrorCode.NONE]);
    expect(harness.state()).toBe("Empty");
    harness.crashAndReload();
    expect(harness.describe()[0]).toMatchObject({ groupState: "Empty", protocolType: "consumer", members: [] });
  });

  it("of the last member that cannot be stored is reported, and the member is gone all the same", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1);
    harness.holdsCommits = true;
    const ticket = harness.leave(memberIds);
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(ticket.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.heartbeat(memberIds[0]!, generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    // Loaded from the log, where it is still a member, it is missed and removed once more.
    harness.crashAndReload();
    expect(harness.state()).toBe("Stable");
    harness.holdsCommits = false;
    harness.advance(60_000);
    expect(harness.state()).toBe("Empty");
  });

  it("of several, each with its own result", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    const fixed = harness.join({ instanceId: "i1" });
    for (const memberId of memberIds) harness.join({ memberId });
    const { memberId: pending } = harness.join().answer;
    const results = errorCodes(
      harness.leave([
        memberIds[0]!,
        "ghost",
        { memberId: "", groupInstanceId: "i1" },
        { memberId: "", groupInstanceId: "i1" },
        { memberId: "", groupInstanceId: null },
        { memberId: memberIds[1]!, groupInstanceId: "i2" },
        pending,
      ]).answer,
    );
    expect(results).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.NONE,
    ]);
    expect(fixed.isAnswered).toBe(true);
    expect(harness.describe()[0]!.members.map(({ memberId }) => memberId)).toEqual([memberIds[1]]);
  });

  it("by an instance that another member holds is fenced", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1, { instanceId: null });
    harness.join({ instanceId: "i1" });
    const result = harness.leave([{ memberId: memberIds[0]!, groupInstanceId: "i1" }]).answer;
    expect(errorCodes(result)).toEqual([ErrorCode.FENCED_INSTANCE_ID]);
  });

  it.each([
    ["an empty group id", "", ErrorCode.INVALID_GROUP_ID, []],
    ["an unknown group", "other", ErrorCode.NONE, [ErrorCode.UNKNOWN_MEMBER_ID]],
  ])("of %s", (_, groupId, errorCode, members) => {
    const { answer } = new ShardHarness().leave(["m"], groupId);
    expect(answer.errorCode).toBe(errorCode);
    expect(errorCodes(answer)).toEqual(members);
  });

  it("answers whoever still waits as that member", () => {
    const harness = new ShardHarness();
    const a = harness.joinTwice();
    const b = harness.joinTwice();
    harness.advance(0);
    const waiting = harness.sync(b.memberId, 1);
    harness.leave([b.memberId]);
    expect(waiting.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const joining = harness.joinTwice();
    harness.leave([joining.memberId]);
    expect(joining.ticket.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.join({ memberId: a.memberId }).answer.generationId).toBe(2);
  });

  it("lets a rebalance go on that waited for the one who left", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    const waiting = harness.join({ memberId: memberIds[0]! });
    harness.leave([memberIds[1]!]);
    expect(waiting.answer).toMatchObject({ errorCode: 0, generationId: 2 });
  });
});
