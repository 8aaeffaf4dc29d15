import { ErrorCode, ZERO_UUID } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { encodeGroupRecord } from "../records/group-record.ts";
import { type LogEntry, ShardHarness } from "../test-support/shard-harness.ts";

const ID_A = "AAAAAAAAAAAAAAAAAAAAAQ";
const ID_B = "AAAAAAAAAAAAAAAAAAAAAg";

describe("OffsetCommit", () => {
  it.each([
    ["a member of this generation", {}, ErrorCode.NONE],
    ["an older generation", { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ["a later generation", { generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
    ["an unknown member", { memberId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["an unknown instance", { instanceId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["nobody, while the group has members", { memberId: "", generationId: -1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ["a member without generation", { generationId: -1 }, ErrorCode.ILLEGAL_GENERATION],
    ["a generation without member", { memberId: "" }, ErrorCode.UNKNOWN_MEMBER_ID],
  ])("by %s", (_, options, errorCode) => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(2);
    const before = harness.fetch();
    expect(harness.commitError({ "t-0": 7 }, { memberId: memberIds[0]!, generationId, ...options })).toBe(errorCode);
    expect(harness.fetch()).toEqual(errorCode === ErrorCode.NONE ? { "t-0": 7 } : before);
    expect(harness.state()).toBe("Stable");
  });

  it.each([
    [8, ErrorCode.ILLEGAL_GENERATION],
    [9, ErrorCode.GROUP_ID_NOT_FOUND],
  ])("of a generation in a group that is not there, v%i", (version, errorCode) => {
    const harness = new ShardHarness();
    expect(harness.commitError({ "t-0": 1 }, { memberId: "m", generationId: 3, version })).toBe(errorCode);
    expect(harness.shard.groupCount).toBe(0);
  });

  it("by a simple consumer makes a group without members", () => {
    const harness = new ShardHarness();
    expect(harness.commitError({ "t-0": 5, "t-1": 6 })).toBe(ErrorCode.NONE);
    expect(harness.fetch()).toEqual({ "t-0": 5, "t-1": 6 });
    expect(harness.describe()[0]).toMatchObject({ groupState: "Empty", protocolType: "", members: [] });
  });

  it("in the empty group id is allowed, as in Kafka", () => {
    const harness = new ShardHarness();
    expect(harness.commitError({ "t-0": 5 }, { groupId: "" })).toBe(ErrorCode.NONE);
    expect(harness.fetch(null, "")).toEqual({ "t-0": 5 });
  });

  it("is taken while the group prepares a rebalance, and not while it completes one", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(2);
    const [leader, follower] = memberIds as [string, string];
    const committer = { memberId: follower, generationId };
    harness.join({ memberId: leader });
    expect(harness.state()).toBe("PreparingRebalance");
    expect(harness.commitError({ "t-0": 1 }, committer)).toBe(ErrorCode.NONE);
    harness.join({ memberId: follower });
    expect(harness.state()).toBe("CompletingRebalance");
    expect(harness.commitError({ "t-0": 2 }, committer)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(harness.commitError({ "t-0": 2 }, { ...committer, generationId: 2 })).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.fetch()).toEqual({ "t-0": 1 });
  });

  it("counts if it comes last in its generation, though its offset be smaller, as in Kafka", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(2);
    for (const offset of [9, 5]) {
      expect(harness.commitError({ "t-0": offset }, { memberId: memberIds[0]!, generationId })).toBe(ErrorCode.NONE);
    }
    expect(harness.fetch()).toMatchObject({ "t-0": 5 });
  });

  it("with metadata that is too long fails for that partition alone", () => {
    const harness = new ShardHarness({ offsetMetadataMaxBytes: 10 });
    expect(harness.commitError({ "t-0": 1 }, { metadata: "x".repeat(11) })).toBe(ErrorCode.OFFSET_METADATA_TOO_LARGE);
    expect(harness.shard.groupCount).toBe(0);
    expect(harness.commitError({ "t-0": 1 }, { metadata: "x".repeat(10) })).toBe(ErrorCode.NONE);
  });

  it("beyond what a number can hold is refused", () => {
    expect(new ShardHarness().commitError({ "t-0": 2 ** 53 })).toBe(ErrorCode.INVALID_REQUEST);
  });

  it.each([null, "", "anything"])("keeps metadata %j", (metadata) => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1 }, { metadata });
    const [topic] = harness.fetchTicket(null).answer.topics;
    expect(topic!.partitions).toEqual([
      { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: 3, metadata: metadata ?? "", errorCode: 0 },
    ]);
  });

  it("is answered once it is in the log, and read only then", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1 });
    harness.holdsCommits = true;
    const commit = harness.commit({ "t-0": 2 });
    const fetch = harness.fetchTicket(["t-0"]);
    expect([commit.isAnswered, fetch.isAnswered]).toEqual([false, false]);
    harness.commitAll();
    expect(commit.answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
    expect(fetch.answer.topics[0]!.partitions[0]!.committedOffset).toBe(2);
  });

  it("that the log refuses leaves the offset as it was, and no group where there was none", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1 });
    harness.holdsCommits = true;
    const tickets = [harness.commit({ "t-0": 2, "t-1": 2 }), harness.commit({ "u-0": 9 }, { groupId: "new" })];
    const fetch = harness.fetchTicket(["t-0"]);
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    for (const { answer } of tickets) {
      for (const { partitions } of answer.topics) {
        expect(partitions[0]!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      }
    }
    expect(fetch.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.fetch()).toEqual({ "t-0": 1 });
    expect(harness.shard.groupCount).toBe(1);
  });

  it("is not waited for longer than offsets.commit.timeout.ms, though it may yet be committed", () => {
    const harness = new ShardHarness({ offsetsCommitTimeoutMs: 5_000 });
    harness.holdsCommits = true;
    const first = harness.commit({ "t-0": 1 });
    harness.advance(3_000);
    const second = harness.fetchTicket(["t-0"]);
    harness.advance(2_000);
    expect(first.answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(second.isAnswered).toBe(false);
    harness.advance(3_000);
    expect(second.answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    harness.commitAll();
    expect(harness.fetch()).toEqual({ "t-0": 1 });
  });
});

describe("OffsetFetch", () => {
  it("gives -1 for what was not committed, in the order asked for", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-1": 5 });
    const { topics, errorCode } = harness.fetchTicket(["u-3", "t-0", "t-1"]).answer;
    expect(errorCode ?? 0).toBe(ErrorCode.NONE);
    expect(topics.map(({ name, partitions }) => [name, partitions[0]!.committedOffset])).toEqual([
      ["u", -1],
      ["t", -1],
      ["t", 5],
    ]);
    expect(topics[0]!.partitions[0]).toMatchObject({ metadata: "", committedLeaderEpoch: -1, errorCode: 0 });
  });

  it("knows an unknown group as one without offsets", () => {
    const harness = new ShardHarness();
    expect(harness.fetch(["t-0"], "other")).toEqual({});
    expect(harness.fetchTicket(null, { groupId: "other" }).answer.topics).toEqual([]);
    expect(harness.shard.groupCount).toBe(0);
  });

  it("does not take a new topic for a deleted one of the same name", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 5 }, { topicId: ID_A });
    const fetched = (topicId: string) => harness.fetchTicket(["t-0"], { topicId }).answer.topics[0]!.partitions[0]!;
    expect(fetched(ID_A).committedOffset).toBe(5);
    expect(fetched(ZERO_UUID).committedOffset).toBe(5);
    expect(fetched(ID_B).committedOffset).toBe(-1);
  });
});

describe("offsets in a transaction", () => {
  const offsetOf = (offset: number, producerId = -1): LogEntry => {
    const key = { group: "group", topic: "t", partition: 0 };
    const value = {
      offset,
      leaderEpoch: -1,
      metadata: "",
      commitTimestamp: 1,
      expireTimestamp: -1,
      topicId: ZERO_UUID,
    };
    return { ...encodeGroupRecord({ type: "offsetCommit", key, value }), producerId };
  };

  function loaded(...log: LogEntry[]): ShardHarness {
    const harness = new ShardHarness();
    harness.log.push(...log);
    harness.crashAndReload();
    return harness;
  }

  it("are unstable until it ends, for those who ask for stable ones", () => {
    const harness = loaded(offsetOf(10), offsetOf(50, 77));
    expect(harness.fetch()).toEqual({ "t-0": 10 });
    const [topic] = harness.fetchTicket(["t-0", "t-1"], { requireStable: true }).answer.topics;
    expect(topic!.partitions[0]).toMatchObject({ errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT, committedOffset: -1 });
  });

  it.each([
    ["commit", { "t-0": 50 }],
    ["abort", { "t-0": 10 }],
  ] as const)("are what they should be after its %s", (outcome, offsets) => {
    const ends = [77, 78].map((producerId) => ({ producerId, outcome }));
    const harness = loaded(offsetOf(10), offsetOf(50, 77), ...ends);
    expect(harness.fetch()).toEqual(offsets);
    const [topic] = harness.fetchTicket(["t-0"], { requireStable: true }).answer.topics;
    expect(topic!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
  });

  it("do not replace an offset that was committed outside after them", () => {
    const harness = loaded(offsetOf(50, 77), offsetOf(99), { producerId: 77, outcome: "commit" });
    expect(harness.fetch()).toEqual({ "t-0": 99 });
  });

  it("are deleted with the others", () => {
    const harness = loaded(offsetOf(50, 77));
    expect(harness.deleteGroups(["group"]).answer).toEqual([{ groupId: "group", errorCode: ErrorCode.NONE }]);
    const [topic] = harness.fetchTicket(["t-0"], { requireStable: true }).answer.topics;
    expect(topic!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
  });

  it("do not expire, nor does their group", () => {
    const harness = loaded(offsetOf(10), offsetOf(50, 77));
    harness.advance(2 * harness.config.offsetsRetentionMs);
    expect(harness.fetch()).toEqual({ "t-0": 10 });
  });
});

describe("OffsetDelete", () => {
  it("takes away what is asked for from a group without members", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1, "t-1": 2, "u-0": 3 });
    const { answer } = harness.deleteOffsets(["t-0", "u-0", "u-7"]);
    expect(answer.errorCode).toBe(ErrorCode.NONE);
    expect(answer.topics.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([0, 0, 0]);
    expect(harness.fetch()).toEqual({ "t-1": 2 });
    harness.crashAndReload();
    expect(harness.fetch()).toEqual({ "t-1": 2 });
  });

  it.each([
    ["an empty group id", "", ErrorCode.INVALID_GROUP_ID],
    ["an unknown group", "other", ErrorCode.GROUP_ID_NOT_FOUND],
  ])("of %s", (_, groupId, errorCode) => {
    expect(new ShardHarness().deleteOffsets(["t-0"], groupId).answer).toMatchObject({ errorCode, topics: [] });
  });

  it("leaves the offsets of topics that consumers read", () => {
    const harness = new ShardHarness();
    const subscription = String.fromCharCode(0, 3, 0, 0, 0, 1, 0, 1, "t".charCodeAt(0), 0, 0, 0, 0);
    const { memberIds, generationId } = harness.stableGroup(1, { protocols: [["range", subscription]] });
    harness.commit({ "t-0": 1, "u-0": 2 }, { memberId: memberIds[0]!, generationId });
    const { answer } = harness.deleteOffsets(["t-0", "u-0"]);
    const codes = answer.topics.map(({ partitions }) => partitions[0]!.errorCode);
    expect(codes).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE]);
    expect(harness.fetch()).toEqual({ "t-0": 1 });
  });

  it("leaves all offsets when what consumers read cannot be told", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1, { protocols: [["range", "not a subscription"]] });
    harness.commit({ "t-0": 1 }, { memberId: memberIds[0]!, generationId });
    const { answer } = harness.deleteOffsets(["t-0"]);
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
  });

  it("is refused for a group of another kind that has members", () => {
    const harness = new ShardHarness();
    harness.stableGroup(1, { protocolType: "connect" });
    expect(harness.deleteOffsets(["t-0"]).answer.errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
  });

  it("that the log refuses changes nothing", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1 });
    harness.holdsCommits = true;
    const ticket = harness.deleteOffsets(["t-0"]);
    harness.failAll(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(ticket.answer.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(harness.fetch()).toEqual({ "t-0": 1 });
  });
});

describe("a topic that is deleted", () => {
  it("takes its offsets along, in every group", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1, "t-1": 2, "u-0": 3 }, { topicId: ID_A });
    harness.commit({ "t-0": 4 }, { groupId: "other" });
    harness.handle({ type: "topicsDeleted", topics: [{ name: "t", topicId: ID_A }] });
    expect(harness.fetch()).toEqual({ "u-0": 3 });
    expect(harness.fetch(null, "other")).toEqual({});
  });

  it("but not those of a new topic of its name", () => {
    const harness = new ShardHarness();
    harness.commit({ "t-0": 1 }, { topicId: ID_B });
    harness.handle({ type: "topicsDeleted", topics: [{ name: "t", topicId: ID_A }] });
    expect(harness.fetch()).toEqual({ "t-0": 1 });
  });
});

describe("expiry", () => {
  const HOUR_MS = 3_600_000;
  const retention = { offsetsRetentionMs: 24 * HOUR_MS, offsetsRetentionCheckIntervalMs: HOUR_MS };

  it("takes simple consumers' offsets when nothing was committed for the retention time", () => {
    const harness = new ShardHarness(retention);
    harness.commit({ "t-0": 1, "t-1": 1 });
    harness.advance(12 * HOUR_MS);
    harness.commit({ "t-1": 2 });
    harness.advance(13 * HOUR_MS);
    expect(harness.fetch()).toEqual({ "t-1": 2 });
    harness.advance(12 * HOUR_MS);
    expect(harness.shard.groupCount).toBe(0);
    expect(harness.replica().groupCount).toBe(0);
  });

  it("takes a group's offsets when it has been empty for the retention time, and then the group", () => {
    const harness = new ShardHarness(retention);
    const { memberIds, generationId } = harness.stableGroup(1, { sessionTimeoutMs: 1_800_000 });
    harness.commit({ "t-0": 1 }, { memberId: memberIds[0]!, generationId });
    for (let hours = 0; hours < 48; hours += 0.5) {
      expect(harness.heartbeat(memberIds[0]!, generationId)).toBe(ErrorCode.NONE);
      harness.advance(0.5 * HOUR_MS - 1);
    }
    expect(harness.fetch()).toEqual({ "t-0": 1 });
    harness.leave(memberIds);
    harness.advance(23 * HOUR_MS);
    expect(harness.fetch()).toEqual({ "t-0": 1 });
    harness.advance(2 * HOUR_MS);
    expect(harness.fetch()).toEqual({});
    expect(harness.list()).toEqual([]);
    expect(harness.replica().groupCount).toBe(0);
  });

  it("goes by the time that the log tells, across restarts", () => {
    const harness = new ShardHarness(retention);
    const { memberIds, generationId } = harness.stableGroup(1);
    harness.commit({ "t-0": 1 }, { memberId: memberIds[0]!, generationId });
    harness.leave(memberIds);
    for (let hours = 0; hours < 23; hours++) {
      harness.advance(HOUR_MS);
      harness.crashAndReload();
    }
    expect(harness.fetch()).toEqual({ "t-0": 1 });
    harness.advance(3 * HOUR_MS);
    expect(harness.fetch()).toEqual({});
  });

  it("goes by the client's own retention time where it gave one (up to v4)", () => {
    const harness = new ShardHarness(retention);
    harness.commit({ "t-0": 1 }, { retentionMs: 2 * HOUR_MS });
    harness.commit({ "t-1": 1 }, { retentionMs: 100 * HOUR_MS });
    harness.advance(3 * HOUR_MS);
    harness.crashAndReload();
    harness.advance(48 * HOUR_MS);
    expect(harness.fetch()).toEqual({ "t-1": 1 });
  });

  it("removes a group that never stored an offset", () => {
    const harness = new ShardHarness(retention);
    const { memberIds } = harness.stableGroup(1);
    harness.leave(memberIds);
    harness.advance(HOUR_MS);
    expect(harness.shard.groupCount).toBe(0);
    expect(harness.replica().groupCount).toBe(0);
  });

  it("of more than fits one sweep goes on soon after", () => {
    const harness = new ShardHarness(retention);
    for (let group = 0; group < 12; group++) {
      const offsets = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`t-${index}`, 1]));
      harness.commit(offsets, { groupId: `group ${group}` });
    }
    harness.advance(24 * HOUR_MS - 1);
    expect(harness.shard.groupCount).toBe(12);
    harness.advance(1);
    expect(harness.shard.groupCount).toBe(7);
    harness.advance(1_000);
    expect(harness.shard.groupCount).toBe(0);
  });
});
