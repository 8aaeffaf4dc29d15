import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { ShardHarness, textOf } from "../test-support/shard-harness.ts";

describe("DescribeGroups", () => {
  it("tells all of a stable group", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2, { clientId: "app" });
    const [group] = harness.describe();
    expect(group).toMatchObject({
      errorCode: 0,
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: memberIds.map((memberId) => ({
        memberId,
        groupInstanceId: null,
        clientId: "app",
        clientHost: "/127.0.0.1",
      })),
    });
    expect(group!.members.map(({ memberAssignment }) => textOf(memberAssignment))).toEqual([
      "assignment 0",
      "assignment 1",
    ]);
    expect(group!.members.map(({ memberMetadata }) => textOf(memberMetadata))).toEqual(["topics", "topics"]);
  });

  it("tells neither protocol nor subscriptions of a group that rebalances", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(2);
    harness.join({ memberId: memberIds[0]! });
    const [group] = harness.describe();
    expect(group).toMatchObject({ groupState: "PreparingRebalance", protocolData: "" });
    expect(group!.members.map(({ memberMetadata }) => memberMetadata.length)).toEqual([0, 0]);
  });

  it.each([
    [5, ErrorCode.NONE, undefined],
    [6, ErrorCode.GROUP_ID_NOT_FOUND, "Group other not found."],
  ])("calls an unknown group dead, v%i with error %i", (version, errorCode, errorMessage) => {
    const [group] = new ShardHarness().describe(["other"], version);
    expect(group).toMatchObject({ errorCode, groupState: "Dead", members: [] });
    expect(group!.errorMessage).toBe(errorMessage);
  });
});

describe("ListGroups", () => {
  function threeGroups(): ShardHarness {
    const harness = new ShardHarness();
    harness.stableGroup(1, { groupId: "stable" });
    harness.commit({ "t-0": 1 }, { groupId: "simple" });
    harness.joinTwice({ groupId: "joining" });
    return harness;
  }

  it("tells type and state of each", () => {
    expect(threeGroups().list()).toEqual([
      { groupId: "stable", protocolType: "consumer", groupState: "Stable", groupType: "classic" },
      { groupId: "simple", protocolType: "", groupState: "Empty", groupType: "classic" },
      { groupId: "joining", protocolType: "consumer", groupState: "PreparingRebalance", groupType: "classic" },
    ]);
  });

  it.each([
    [["Stable"], [], ["stable"]],
    [["stable", " EMPTY "], [], ["stable", "simple"]],
    [["Dead"], [], []],
    [["no such state"], [], []],
    [[], ["Classic"], ["stable", "simple", "joining"]],
    [[], ["consumer"], []],
    [[], ["no such type"], []],
    [["Stable"], ["consumer", "classic"], ["stable"]],
  ])("filters by states %j and types %j", (states, types, groupIds) => {
    expect(
      threeGroups()
        .list(states, types)
        .map(({ groupId }) => groupId),
    ).toEqual(groupIds);
  });
});

describe("DeleteGroups", () => {
  it("takes groups without members away, with their offsets", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1, { groupId: "was" });
    harness.commit({ "t-0": 1 }, { groupId: "was", memberId: memberIds[0]!, generationId });
    harness.leave(memberIds, "was");
    harness.commit({ "t-0": 1, "u-3": 2 }, { groupId: "simple" });
    harness.stableGroup(1, { groupId: "stable" });
    expect(harness.deleteGroups(["was", "simple", "stable", "other"]).answer).toEqual([
      { groupId: "was", errorCode: ErrorCode.NONE },
      { groupId: "simple", errorCode: ErrorCode.NONE },
      { groupId: "stable", errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: "other", errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ]);
    expect(harness.list().map(({ groupId }) => groupId)).toEqual(["stable"]);
    expect(harness.fetch(null, "was")).toEqual({});
    expect(harness.replica().groupCount).toBe(1);
  });

  it("leaves the group dead until the log says so, and nobody can join it", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    harness.leave(memberIds);
    harness.holdsCommits = true;
    const ticket = harness.deleteGroups(["group"]);
    expect(harness.state()).toBe("Dead");
    expect(harness.join().answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.commitError({ "t-0": 1 })).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.heartbeat("m", 1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.sync("m", 1).answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.leave(["m"]).answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.deleteGroups(["group"]).answer).toEqual([
      { groupId: "group", errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ]);
    harness.commitAll();
    expect(ticket.answer).toEqual([{ groupId: "group", errorCode: ErrorCode.NONE }]);
    expect(harness.join().answer.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
  });

  it("that the log refuses leaves group and offsets as they were", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    harness.leave(memberIds);
    harness.commit({ "t-0": 1 });
    harness.holdsCommits = true;
    const ticket = harness.deleteGroups(["group"]);
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(ticket.answer).toEqual([{ groupId: "group", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }]);
    expect(harness.state()).toBe("Empty");
    expect(harness.fetch()).toEqual({ "t-0": 1 });
    harness.holdsCommits = false;
    expect(harness.deleteGroups(["group"]).answer[0]!.errorCode).toBe(ErrorCode.NONE);
  });
});
