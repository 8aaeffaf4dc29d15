import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { type JoinOptions, ShardHarness, textOf } from "../test-support/shard-harness.ts";

const LONG: JoinOptions = { sessionTimeoutMs: 300_000 };

/** A stable group of static members `i0`, `i1`, …; the first leads, each is assigned its own name. */
function staticGroup(harness: ShardHarness, size: number) {
  const joins = Array.from({ length: size }, (_, index) => harness.join({ ...LONG, instanceId: `i${index}` }));
  harness.advance(0);
  const memberIds = joins.map(({ answer }) => answer.memberId);
  const assignments = Object.fromEntries(memberIds.map((memberId, index) => [memberId, `for i${index}`]));
  memberIds.forEach((memberId, index) => {
    harness.sync(memberId, 1, index === 0 ? assignments : {}, { instanceId: `i${index}` });
  });
  return memberIds;
}

describe("a static member that comes back without its id", () => {
  it("takes its place in a stable group, and nobody rebalances", () => {
    const harness = new ShardHarness();
    const memberIds = staticGroup(harness, 3);
    const { answer } = harness.join({ ...LONG, instanceId: "i1" });
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: memberIds[0], members: [] });
    expect(answer.memberId).not.toBe(memberIds[1]);
    const synced = harness.sync(answer.memberId, 1, {}, { instanceId: "i1" }).answer;
    expect(textOf(synced.assignment)).toBe("for i1");
    expect(harness.heartbeat(memberIds[0]!, 1, "group", "i0")).toBe(ErrorCode.NONE);
    expect(harness.state()).toBe("Stable");
  });

  it("fences the one who had the id before", () => {
    const harness = new ShardHarness();
    const [, before] = staticGroup(harness, 2);
    harness.join({ ...LONG, instanceId: "i1" });
    expect(harness.heartbeat(before!, 1, "group", "i1")).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.heartbeat(before!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.sync(before!, 1, {}, { instanceId: "i1" }).answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.join({ ...LONG, memberId: before!, instanceId: "i1" }).answer.errorCode).toBe(
      ErrorCode.FENCED_INSTANCE_ID,
    );
    const commit = { memberId: before!, instanceId: "i1", generationId: 1 };
    expect(harness.commitError({ "t-0": 1 }, commit)).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it("and leads, is told to skip the assignment from v9 on", () => {
    const harness = new ShardHarness();
    staticGroup(harness, 2);
    const { answer } = harness.join({ ...LONG, instanceId: "i0", version: 9 });
    expect(answer).toMatchObject({ skipAssignment: true, leader: answer.memberId });
    expect(answer.members).toHaveLength(2);
  });

  it("and leads, is told that its former id leads before v9", () => {
    const harness = new ShardHarness();
    const [before] = staticGroup(harness, 2);
    const { answer } = harness.join({ ...LONG, instanceId: "i0", version: 8 });
    expect(answer).toMatchObject({ leader: before, members: [] });
    expect(answer.skipAssignment ?? false).toBe(false);
    // The next time it joins, it leads under its new id.
    const again = harness.join({ ...LONG, instanceId: "i0", memberId: answer.memberId });
    expect(again.isAnswered).toBe(false);
    expect(harness.state()).toBe("PreparingRebalance");
  });

  it("is in the log before it hears of its new id", () => {
    const harness = new ShardHarness();
    staticGroup(harness, 2);
    harness.holdsCommits = true;
    const ticket = harness.join({ ...LONG, instanceId: "i1" });
    expect(ticket.isAnswered).toBe(false);
    harness.commitAll();
    const { memberId } = ticket.answer;
    harness.crashAndReload();
    expect(harness.heartbeat(memberId, 1, "group", "i1")).toBe(ErrorCode.NONE);
  });

  it("and cannot be stored leaves the place to the one who had it", () => {
    const harness = new ShardHarness();
    const [leader, before] = staticGroup(harness, 2);
    harness.holdsCommits = true;
    const ticket = harness.join({ ...LONG, instanceId: "i1", clientId: "another" });
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(ticket.answer).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId: "" });
    expect(harness.heartbeat(before!, 1, "group", "i1")).toBe(ErrorCode.NONE);
    const members = harness.describe()[0]!.members;
    expect(members.map(({ memberId }) => memberId).sort()).toEqual([leader, before].sort());
    expect(members.map(({ memberAssignment }) => textOf(memberAssignment)).sort()).toEqual(["for i0", "for i1"]);
  });

  it("while a rebalance begins before that is in the log, is part of the rebalance", () => {
    const harness = new ShardHarness();
    const [leader] = staticGroup(harness, 2);
    harness.holdsCommits = true;
    const ticket = harness.join({ ...LONG, instanceId: "i1" });
    const leaderTicket = harness.join({ ...LONG, memberId: leader!, instanceId: "i0" });
    expect(ticket.answer).toMatchObject({ generationId: 2, members: [] });
    expect(leaderTicket.answer.members).toHaveLength(2);
    harness.commitAll();
    expect(harness.state()).toBe("CompletingRebalance");
  });

  it("and changes which protocol is selected has all rebalance", () => {
    const harness = new ShardHarness();
    const both = [
      ["range", ""],
      ["sticky", ""],
    ] as const;
    const a = harness.join({ ...LONG, instanceId: "a", protocols: both });
    const b = harness.join({ ...LONG, instanceId: "b", protocols: both });
    harness.advance(0);
    harness.sync(a.answer.memberId, 1, {}, { instanceId: "a" });
    harness.sync(b.answer.memberId, 1, {}, { instanceId: "b" });
    const again = harness.join({ ...LONG, instanceId: "b", protocols: [["sticky", ""]] });
    expect(again.isAnswered).toBe(false);
    expect(harness.state()).toBe("PreparingRebalance");
  });

  it("while the leader assigns has all rebalance: the leader knows it by its old id", () => {
    const harness = new ShardHarness();
    const a = harness.join({ ...LONG, instanceId: "a" });
    const b = harness.join({ ...LONG, instanceId: "b" });
    harness.advance(0);
    const waiting = harness.sync(b.answer.memberId, 1, {}, { instanceId: "b" });
    const again = harness.join({ ...LONG, instanceId: "b" });
    expect(waiting.answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.state()).toBe("PreparingRebalance");
    harness.join({ ...LONG, memberId: a.answer.memberId, instanceId: "a" });
    expect(again.answer.generationId).toBe(2);
  });

  it("while its former self waits to join takes over and answers it", () => {
    const harness = new ShardHarness({ groupInitialRebalanceDelayMs: 1_000 });
    const first = harness.join({ ...LONG, instanceId: "a" });
    const second = harness.join({ ...LONG, instanceId: "a" });
    expect(first.answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    harness.advance(1_000);
    expect(second.answer).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(harness.describe()[0]!.members).toHaveLength(1);
  });

  it("with nothing in common with the others is refused, and its place stays", () => {
    const harness = new ShardHarness();
    const [, before] = staticGroup(harness, 2);
    const refused = harness.join({ ...LONG, instanceId: "i1", protocols: [["unheard of", ""]] });
    expect(refused.answer.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(harness.heartbeat(before!, 1, "group", "i1")).toBe(ErrorCode.NONE);
  });
});

describe("static members", () => {
  it("restarted one after the other, ten of them, never rebalance", () => {
    const harness = new ShardHarness();
    staticGroup(harness, 10);
    for (let index = 0; index < 10; index++) {
      harness.advance(5_000);
      const { answer } = harness.join({ ...LONG, instanceId: `i${index}` });
      expect(answer).toMatchObject({ errorCode: 0, generationId: 1 });
      const { assignment } = harness.sync(answer.memberId, 1, {}, { instanceId: `i${index}` }).answer;
      expect(textOf(assignment)).toBe(`for i${index}`);
    }
    expect(harness.state()).toBe("Stable");
  });

  it("are out when their session ends", () => {
    const harness = new ShardHarness();
    const [, gone] = staticGroup(harness, 2);
    harness.advance(LONG.sessionTimeoutMs!);
    expect(harness.heartbeat(gone!, 1, "group", "i1")).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
