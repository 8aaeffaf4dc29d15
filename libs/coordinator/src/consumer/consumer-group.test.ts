import { ErrorCode } from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import type { DescribedConsumerGroup } from "../group-requests.ts";
import { assignmentIn, type ConsumerHeartbeatOptions, ShardHarness, topicIdOf } from "../test-support/shard-harness.ts";

const ALL = ["t-0", "t-1", "t-2", "t-3"];

/** Two members; the second has joined, the first has not heard of it. */
function twoMembers(harness = new ShardHarness()) {
  const a = harness.consumerJoin("a");
  const b = harness.consumerJoin("b");
  return { harness, a, b };
}

/** Two members that have all they shall have: a two partitions, b the other two. */
function settled() {
  const { harness, a } = twoMembers();
  const told = harness.consumerHeartbeat({ memberId: "a", epoch: a.memberEpoch }).answer;
  const kept = assignmentIn(told)!;
  const after = harness.consumerHeartbeat({ memberId: "a", epoch: told.memberEpoch, owned: kept }).answer;
  const b = harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer;
  return { harness, kept, gained: assignmentIn(b)!, epochA: after.memberEpoch, epochB: b.memberEpoch };
}

const byMemberId = ({ members, ...group }: DescribedConsumerGroup) => ({
  ...group,
  members: [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
});

describe("a group of the consumer protocol", () => {
  it("gives a lone member everything with the answer to its first heartbeat", () => {
    const harness = new ShardHarness();
    const answer = harness.consumerJoin("a");
    expect(answer).toMatchObject({ errorCode: 0, memberId: "a", memberEpoch: 1, heartbeatIntervalMs: 5_000 });
    expect(assignmentIn(answer)).toEqual(ALL);
    expect(harness.describeConsumer()).toMatchObject({ groupState: "Stable", groupEpoch: 1, assignorName: "uniform" });
  });

  it("has partitions revoked before it assigns them to another", () => {
    const { harness, a, b } = twoMembers();
    expect(b.memberEpoch).toBe(2);
    expect(assignmentIn(b)).toEqual([]);
    const told = harness.consumerHeartbeat({ memberId: "a", epoch: a.memberEpoch }).answer;
    expect(told.memberEpoch).toBe(1);
    const kept = assignmentIn(told)!;
    expect(kept).toHaveLength(2);
    // Until a says that it has let go, b waits.
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer)).toBeUndefined();
    harness.consumerHeartbeat({ memberId: "a", epoch: 1, owned: ALL });
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer)).toBeUndefined();
    expect(harness.describeConsumer().groupState).toBe("Reconciling");
    expect(harness.consumerHeartbeat({ memberId: "a", epoch: 1, owned: kept }).answer.memberEpoch).toBe(2);
    const gained = assignmentIn(harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer)!;
    expect([...kept, ...gained].sort()).toEqual(ALL);
    expect(harness.describeConsumer().groupState).toBe("Stable");
  });

  it("takes a member out that does not give partitions up in its rebalance timeout", () => {
    const { harness } = twoMembers();
    harness.consumerHeartbeat({ memberId: "a", epoch: 1, rebalanceTimeoutMs: 30_000 });
    harness.advance(29_000);
    expect(harness.consumerHeartbeat({ memberId: "a", epoch: 1, owned: ALL }).answer.errorCode).toBe(0);
    harness.consumerHeartbeat({ memberId: "b", epoch: 2 });
    harness.advance(1_000);
    const late = harness.consumerHeartbeat({ memberId: "a", epoch: 1, owned: ALL }).answer;
    expect(late.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer)).toEqual(ALL);
  });

  it("takes a silent member out after the session timeout, and the others get what it had", () => {
    const { harness, epochB } = settled();
    harness.advance(44_000);
    expect(harness.consumerHeartbeat({ memberId: "b", epoch: epochB }).answer.errorCode).toBe(0);
    harness.advance(1_000);
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "b", epoch: epochB }).answer)).toEqual(ALL);
  });

  it("follows topics that come, grow and go", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { topics: ["t", "u"] });
    harness.topics.set("u", 1);
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "a", epoch: 1 }).answer)).toEqual([...ALL, "u-0"]);
    harness.topics.set("u", 2);
    expect(assignmentIn(harness.consumerHeartbeat({ memberId: "a", epoch: 2 }).answer)).toEqual([...ALL, "u-0", "u-1"]);
    harness.topics.delete("t");
    const told = harness.consumerHeartbeat({ memberId: "a", epoch: 3 }).answer;
    expect(assignmentIn(told)).toEqual(["u-0", "u-1"]);
  });

  it("resolves regular expressions, anew when topics change, and forgets those that nobody has", () => {
    const harness = new ShardHarness();
    harness.topics.set("orders-eu", 1);
    expect(assignmentIn(harness.consumerJoin("a", { regex: "orders-.*" }))).toEqual(["orders-eu-0"]);
    harness.topics.set("orders-us", 1);
    harness.topics.set("my-orders-us", 1);
    const grown = harness.consumerHeartbeat({ memberId: "a", epoch: 1 }).answer;
    expect(assignmentIn(grown)).toEqual(["orders-eu-0", "orders-us-0"]);
    const changed = harness.consumerHeartbeat({ memberId: "a", epoch: 2, regex: "", topics: ["t"] }).answer;
    expect(assignmentIn(changed)).toEqual([]);
    const next = harness.consumerHeartbeat({ memberId: "a", epoch: 2, owned: [] }).answer;
    expect(assignmentIn(next)).toEqual(ALL);
    expect(harness.describeConsumer().members[0]).toMatchObject({
      subscribedTopicRegex: "",
      subscribedTopicNames: ["t"],
    });
  });

  it("lets the assignor win that most members ask for", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { assignor: "range" });
    expect(harness.describeConsumer().assignorName).toBe("range");
    harness.consumerJoin("b", { assignor: "uniform" });
    harness.consumerJoin("c", { assignor: "range" });
    expect(harness.describeConsumer().assignorName).toBe("range");
  });

  it("makes one assignment for members that come within the assignment interval", () => {
    const harness = new ShardHarness({ groupConsumerAssignmentIntervalMs: () => 1_000 });
    harness.consumerJoin("a");
    expect(harness.consumerJoin("b").memberEpoch).toBe(1);
    expect(harness.describeConsumer().groupState).toBe("Assigning");
    harness.advance(1_000);
    expect(harness.consumerHeartbeat({ memberId: "b", epoch: 1 }).answer.memberEpoch).toBe(2);
  });

  it("accepts the epoch before once more, as the answer may have been lost", () => {
    const { harness, kept, epochA } = settled();
    const retry = { memberId: "a", epoch: epochA - 1 };
    expect(harness.consumerHeartbeat({ ...retry, owned: kept }).answer.errorCode).toBe(0);
    expect(harness.consumerHeartbeat({ ...retry, owned: ALL }).answer.errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect(harness.consumerHeartbeat(retry).answer.errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  });

  it("is the same in whatever order compaction has left its records", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { harness } = settled();
      const before = byMemberId(harness.describeConsumer());
      const latest = new Map(harness.log.map((entry) => ["key" in entry ? String(entry.key) : "", entry]));
      const random = seededRandom(seed);
      const shuffled = [...latest.values()].map((entry) => ({ entry, at: random.nextFloat() }));
      harness.log.splice(0, harness.log.length, ...shuffled.sort((a, b) => a.at - b.at).map(({ entry }) => entry));
      harness.crashAndReload();
      expect(byMemberId(harness.describeConsumer())).toEqual(before);
    }
  });

  it("is the same after its log has been loaded, and members are missed from then on", () => {
    const { harness, epochB } = settled();
    const before = harness.describeConsumer();
    harness.crashAndReload();
    expect(harness.describeConsumer()).toEqual(before);
    harness.advance(44_000);
    harness.consumerHeartbeat({ memberId: "b", epoch: epochB });
    harness.advance(1_000);
    expect(harness.describeConsumer().members.map(({ memberId }) => memberId)).toEqual(["b"]);
  });

  it("is what it was when the log refuses its records, and misses members once more", () => {
    const { harness } = settled();
    const before = byMemberId(harness.describeConsumer());
    harness.holdsCommits = true;
    const left = harness.consumerHeartbeat({ memberId: "a", epoch: -1 });
    harness.topics.set("t", 9);
    const told = harness.consumerHeartbeat({ memberId: "b", epoch: 2 });
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(left.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(told.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    harness.holdsCommits = false;
    expect(byMemberId(harness.describeConsumer())).toEqual(before);
    // The growth of the topic was forgotten with the rest, and is found again.
    expect(harness.consumerHeartbeat({ memberId: "b", epoch: 2 }).answer.memberEpoch).toBe(3);
    harness.advance(45_000);
    expect(harness.describeConsumer().members).toEqual([]);
  });
});

describe("a static member of the consumer protocol", () => {
  it("finds its partitions when it comes back in time, under whatever member id", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { instanceId: "i" });
    harness.consumerJoin("b");
    expect(harness.consumerHeartbeat({ memberId: "a", instanceId: "i", epoch: -2 }).answer.memberEpoch).toBe(-2);
    const { groupEpoch } = harness.describeConsumer();
    const back = harness.consumerJoin("a2", { instanceId: "i" });
    expect(assignmentIn(back)).toHaveLength(2);
    expect(harness.describeConsumer().groupEpoch).toBe(groupEpoch);
    const fenced = harness.consumerHeartbeat({ memberId: "a", instanceId: "i", epoch: 1 }).answer;
    expect(fenced.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it("does not get a place whose holder has not let go", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { instanceId: "i" });
    expect(harness.consumerJoin("b", { instanceId: "i" }).errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
  });

  it("is out when it stays away for longer than its session", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { instanceId: "i" });
    harness.consumerHeartbeat({ memberId: "a", instanceId: "i", epoch: -2 });
    harness.advance(45_000);
    expect(harness.describeConsumer()).toMatchObject({ groupState: "Empty", members: [] });
  });

  it("is taken out by an operator by its instance id", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { instanceId: "i" });
    const { members } = harness.leave([{ groupInstanceId: "i" }, { groupInstanceId: "j" }]).answer;
    expect(members!.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID]);
    expect(harness.describeConsumer().groupState).toBe("Empty");
  });
});

describe("changing the protocol", () => {
  it("an empty classic group becomes one of the consumer protocol and keeps its offsets", () => {
    const harness = new ShardHarness();
    const { memberIds } = harness.stableGroup(1);
    harness.commit({ "t-0": 7 }, { memberId: memberIds[0]!, generationId: 1 });
    expect(harness.consumerJoin("a").errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    harness.leave([memberIds[0]!]);
    expect(harness.consumerJoin("a").errorCode).toBe(0);
    expect(harness.fetch()).toEqual({ "t-0": 7 });
    harness.crashAndReload();
    expect(harness.describeConsumer().groupState).toBe("Stable");
    expect(harness.fetch()).toEqual({ "t-0": 7 });
    expect(harness.describe()[0]).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND });
  });

  it("an empty group of the consumer protocol becomes a classic one and keeps its offsets", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a");
    harness.commit({ "t-0": 7 }, { memberId: "a", generationId: 1 });
    expect(harness.join().answer.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    harness.consumerHeartbeat({ memberId: "a", epoch: -1 });
    harness.stableGroup(1);
    expect(harness.describeConsumer().errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    harness.crashAndReload();
    expect(harness.state()).toBe("Stable");
    expect(harness.fetch()).toEqual({ "t-0": 7 });
  });

  it("does not take place when the log refuses it", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a");
    harness.consumerHeartbeat({ memberId: "a", epoch: -1 });
    harness.holdsCommits = true;
    const { memberId } = harness.join().answer;
    const waiting = harness.join({ memberId, protocols: [["range", "x"]] });
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    harness.holdsCommits = false;
    expect(harness.describeConsumer()).toMatchObject({ groupState: "Empty", errorCode: 0 });
    expect(waiting.isAnswered).toBe(true);
    harness.stableGroup(1);
    expect(harness.state()).toBe("Stable");
  });
});

describe("offsets of a group of the consumer protocol", () => {
  it.each([
    ["its member at its epoch", { memberId: "a", generationId: 1 }, 0],
    ["a stranger", { memberId: "x", generationId: 1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["nobody in particular", {}, ErrorCode.UNKNOWN_MEMBER_ID],
    ["a later epoch", { memberId: "a", generationId: 2 }, ErrorCode.STALE_MEMBER_EPOCH],
    ["a client that knows of no epochs", { memberId: "a", generationId: 1, version: 8 }, ErrorCode.UNSUPPORTED_VERSION],
  ])("are committed, or not, by %s", (_, options, errorCode) => {
    const harness = new ShardHarness();
    harness.consumerJoin("a");
    expect(harness.commitError({ "t-0": 5 }, options)).toBe(errorCode);
    expect(harness.fetch()).toEqual(errorCode === 0 ? { "t-0": 5 } : {});
  });

  it.each([
    ["its member at its epoch", { memberId: "a", generationId: 1 }, 0],
    ["a producer that names no member", { memberId: "", generationId: -1 }, 0],
    ["a stranger", { memberId: "x", generationId: 1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an older epoch", { memberId: "a", generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ["a later epoch", { memberId: "a", generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
  ])("are committed in a transaction, or not, by %s", (_, options, errorCode) => {
    const harness = new ShardHarness();
    harness.consumerJoin("a");
    expect(harness.txnCommitError("t-0", 5, options)).toBe(errorCode);
    // Pending until the transaction ends: nobody is told of it.
    expect(harness.fetch()).toEqual({});
  });

  it("are committed at an older epoch for partitions that were the member's own then (KIP-1251)", () => {
    const { harness, kept, gained, epochA } = settled();
    const topicId = topicIdOf("t");
    const old = { memberId: "a", generationId: epochA - 1, topicId };
    expect(harness.commitError({ [kept[0]!]: 5 }, old)).toBe(0);
    expect(harness.commitError({ [gained[0]!]: 5 }, old)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  });

  it("stay when the group is empty, then expire, and the group with them", () => {
    const harness = new ShardHarness({ offsetsRetentionMs: 60_000, offsetsRetentionCheckIntervalMs: 10_000 });
    harness.consumerJoin("a");
    harness.commit({ "t-0": 5 }, { memberId: "a", generationId: 1 });
    harness.advance(30_000);
    harness.consumerHeartbeat({ memberId: "a", epoch: -1 });
    expect(harness.fetch()).toEqual({ "t-0": 5 });
    harness.advance(80_000);
    expect(harness.fetch()).toEqual({});
    expect(harness.list()).toEqual([]);
  });

  it("go with the group when it is deleted, which a member prevents", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { regex: "t" });
    harness.commit({ "t-0": 5 }, { memberId: "a", generationId: 1 });
    expect(harness.deleteGroups(["group"]).answer[0]!.errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
    expect(harness.deleteOffsets(["t-0"]).answer.topics[0]!.partitions[0]!.errorCode).toBe(
      ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    );
    harness.consumerHeartbeat({ memberId: "a", epoch: -1 });
    expect(harness.deleteGroups(["group"]).answer[0]!.errorCode).toBe(0);
    harness.crashAndReload();
    expect(harness.list()).toEqual([]);
    expect(harness.fetch()).toEqual({});
  });
});

describe("ListGroups", () => {
  it("tells groups of both protocols apart, by state and type", () => {
    const harness = new ShardHarness();
    harness.consumerJoin("a", { groupId: "new" });
    harness.stableGroup(1, { groupId: "old" });
    const ids = (...filters: Parameters<ShardHarness["list"]>) =>
      harness.list(...filters).map(({ groupId }) => groupId);
    expect(ids()).toEqual(["new", "old"]);
    expect(ids([], ["Consumer"])).toEqual(["new"]);
    expect(ids([], ["classic"])).toEqual(["old"]);
    expect(ids(["stable"], [])).toEqual(["new", "old"]);
    expect(ids(["Empty"])).toEqual([]);
    expect(harness.list([], ["consumer"])[0]).toMatchObject({ protocolType: "consumer", groupState: "Stable" });
  });
});

describe("a bad heartbeat of the consumer protocol is refused and harms nobody", () => {
  const join = { memberId: "x", epoch: 0, rebalanceTimeoutMs: 1_000, owned: [], topics: ["t"] };
  const table: [string, Partial<ConsumerHeartbeatOptions>, number][] = [
    ["no group id", { ...join, groupId: "" }, ErrorCode.INVALID_REQUEST],
    ["no member id", { ...join, memberId: "" }, ErrorCode.INVALID_REQUEST],
    ["an empty instance id", { ...join, instanceId: "" }, ErrorCode.INVALID_REQUEST],
    ["an empty rack id", { ...join, rackId: "" }, ErrorCode.INVALID_REQUEST],
    ["a join without rebalance timeout", { ...join, rebalanceTimeoutMs: -1 }, ErrorCode.INVALID_REQUEST],
    ["a join with partitions", { ...join, owned: ["t-0"] }, ErrorCode.INVALID_REQUEST],
    ["a join without subscription", { ...join, topics: null }, ErrorCode.INVALID_REQUEST],
    ["an epoch below all meaning", { memberId: "a", epoch: -3 }, ErrorCode.INVALID_REQUEST],
    ["a static leave without instance id", { memberId: "a", epoch: -2 }, ErrorCode.INVALID_REQUEST],
    ["an unknown assignor", { ...join, assignor: "sticky" }, ErrorCode.UNSUPPORTED_ASSIGNOR],
    ["a malformed expression", { ...join, topics: null, regex: "(a" }, ErrorCode.INVALID_REGULAR_EXPRESSION],
    ["an expression that is not RE2", { ...join, topics: null, regex: "(?=a)" }, ErrorCode.INVALID_REGULAR_EXPRESSION],
    ["an unknown member", { memberId: "x", epoch: 1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown member that leaves", { memberId: "x", epoch: -1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown instance", { memberId: "a", epoch: 1, instanceId: "j" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown group", { memberId: "a", epoch: 1, groupId: "none" }, ErrorCode.GROUP_ID_NOT_FOUND],
    ["a greater epoch", { memberId: "a", epoch: 9 }, ErrorCode.FENCED_MEMBER_EPOCH],
    ["one member too many", join, ErrorCode.GROUP_MAX_SIZE_REACHED],
  ];

  it.each(table)("%s", (_, request, errorCode) => {
    const harness = new ShardHarness(errorCode === ErrorCode.GROUP_MAX_SIZE_REACHED ? { groupConsumerMaxSize: 1 } : {});
    harness.consumerJoin("a");
    const before = harness.describeConsumer();
    const records = harness.log.length;
    const { answer } = harness.consumerHeartbeat({ memberId: "x", epoch: 0, ...request });
    expect(answer.errorCode, String(answer.errorMessage)).toBe(errorCode);
    expect(harness.describeConsumer()).toEqual(before);
    expect(harness.log).toHaveLength(records);
    expect(harness.consumerHeartbeat({ memberId: "a", epoch: 1 }).answer.errorCode).toBe(0);
  });
});
