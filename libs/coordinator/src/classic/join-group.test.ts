import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_REBALANCE_MS,
  DEFAULT_SESSION_MS,
  ShardHarness,
  TestTicket,
  textOf,
} from "../test-support/shard-harness.ts";

describe("JoinGroup", () => {
  describe("refuses", () => {
    it.each([
      ["an empty group id", { groupId: "" }, ErrorCode.INVALID_GROUP_ID],
      ["a session timeout below the minimum", { sessionTimeoutMs: 5_999 }, ErrorCode.INVALID_SESSION_TIMEOUT],
      ["a session timeout above the maximum", { sessionTimeoutMs: 1_800_001 }, ErrorCode.INVALID_SESSION_TIMEOUT],
      ["a negative session timeout", { sessionTimeoutMs: -1 }, ErrorCode.INVALID_SESSION_TIMEOUT],
      ["no protocol type", { protocolType: "" }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
      ["no protocols", { protocols: [] }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
      ["a member of a group that is not there", { memberId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ])("%s, and leaves no group behind", (_, options, errorCode) => {
      const harness = new ShardHarness();
      expect(harness.join(options).answer).toMatchObject({ errorCode, generationId: -1, members: [] });
      expect(harness.shard.groupCount).toBe(0);
    });

    it.each([
      ["another protocol type", { protocolType: "connect" }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
      ["no assignor in common", { protocols: [["sticky", ""]] as const }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
      ["an unknown member", { memberId: "ghost" }, ErrorCode.UNKNOWN_MEMBER_ID],
      ["an unknown static member", { memberId: "ghost", instanceId: "i" }, ErrorCode.UNKNOWN_MEMBER_ID],
    ])("%s in a stable group, which stays as it is", (_, options, errorCode) => {
      const harness = new ShardHarness();
      harness.stableGroup(2);
      expect(harness.join(options).answer.errorCode).toBe(errorCode);
      expect(harness.state()).toBe("Stable");
    });

    it("a pending id together with an instance id", () => {
      const harness = new ShardHarness();
      const { memberId } = harness.join().answer;
      expect(harness.join({ memberId, instanceId: "i" }).answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    });

    it("members beyond group.max.size, and takes them out if they were members", () => {
      const harness = new ShardHarness({ groupMaxSize: 2 });
      const { memberIds, generationId } = harness.stableGroup(2);
      expect(harness.join().answer.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
      expect(harness.heartbeat(memberIds[0]!, generationId)).toBe(ErrorCode.NONE);
    });

    it("the last to come back when the maximum was lowered", () => {
      const big = new ShardHarness();
      const { memberIds } = big.stableGroup(3);
      const harness = new ShardHarness({ groupMaxSize: 2 });
      harness.log.push(...big.log);
      harness.crashAndReload();
      expect(harness.state()).toBe("PreparingRebalance");
      const tickets = memberIds.map((memberId) => harness.join({ memberId }));
      expect(tickets.map(({ answer }) => answer.errorCode)).toEqual([0, 0, ErrorCode.GROUP_MAX_SIZE_REACHED]);
      expect(harness.describe()[0]!.members).toHaveLength(2);
    });
  });

  describe("gives a dynamic member its id first", () => {
    it("from v4 on (KIP-394)", () => {
      const harness = new ShardHarness();
      const first = harness.join({ version: 4, clientId: "app" }).answer;
      expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
      expect(first.memberId).toMatch(/^app-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(harness.state()).toBe("Empty");
      const second = harness.join({ version: 4, memberId: first.memberId });
      harness.advance(0);
      expect(second.answer).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId });
    });

    it("but not before v4", () => {
      const harness = new ShardHarness();
      const ticket = harness.join({ version: 3 });
      harness.advance(0);
      expect(ticket.answer).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 });
    });

    it("and not a static one", () => {
      const harness = new ShardHarness();
      const ticket = harness.join({ version: 9, instanceId: "host-1" });
      harness.advance(0);
      expect(ticket.answer).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 });
      expect(ticket.answer.memberId).toMatch(/^host-1-/);
    });

    it("and forgets the id when it is not used within the session timeout", () => {
      const harness = new ShardHarness();
      const { memberId } = harness.join().answer;
      harness.advance(DEFAULT_SESSION_MS);
      expect(harness.shard.groupCount).toBe(0);
      expect(harness.join({ memberId }).answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    });

    it("and a rebalance waits for it no longer than that", () => {
      const harness = new ShardHarness();
      const { memberIds } = harness.stableGroup(1);
      harness.join();
      const leader = harness.join({ memberId: memberIds[0]! });
      expect(harness.state()).toBe("PreparingRebalance");
      harness.advance(DEFAULT_SESSION_MS - 1);
      expect(leader.isAnswered).toBe(false);
      harness.advance(1);
      expect(leader.answer).toMatchObject({ errorCode: 0, generationId: 2 });
    });
  });

  it("tells the leader of all members, and the others of the leader", () => {
    const harness = new ShardHarness();
    const a = harness.joinTwice({ protocols: [["range", "a's topics"]] });
    const b = harness.joinTwice({ protocols: [["range", "b's topics"]] });
    harness.advance(0);
    expect(a.ticket.answer).toMatchObject({
      generationId: 1,
      protocolType: "consumer",
      protocolName: "range",
      leader: a.memberId,
      memberId: a.memberId,
    });
    const told = a.ticket.answer.members.map(({ memberId, metadata }) => [memberId, textOf(metadata)]);
    expect(told).toEqual([
      [a.memberId, "a's topics"],
      [b.memberId, "b's topics"],
    ]);
    expect(b.ticket.answer).toMatchObject({ generationId: 1, leader: a.memberId, memberId: b.memberId, members: [] });
  });

  it("keeps what a member says, not the network buffer it came in", () => {
    const harness = new ShardHarness();
    const { memberId } = harness.join().answer;
    const buffer = new Uint8Array([1, 2, 3]);
    const ticket = new TestTicket<Awaited<ReturnType<ShardHarness["join"]>>["answer"]>();
    harness.handle({
      type: "joinGroup",
      client: { apiVersion: 9, clientId: "c", clientHost: "/h" },
      ticket,
      request: {
        groupId: "group",
        memberId,
        groupInstanceId: null,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: buffer }],
        reason: null,
      },
    });
    buffer.fill(9);
    harness.advance(0);
    expect(ticket.answer.members[0]!.metadata).toEqual(new Uint8Array([1, 2, 3]));
  });

  describe("selects the protocol", () => {
    it.each([
      [
        "that all support",
        [
          ["a", "b"],
          ["b", "c"],
        ],
        "b",
      ],
      [
        "that most prefer",
        [
          ["a", "b"],
          ["b", "a"],
          ["b", "a"],
        ],
        "b",
      ],
      [
        "that was voted for first, among equals",
        [
          ["a", "b"],
          ["b", "a"],
        ],
        "a",
      ],
      ["once, although a member names it twice", [["x", "x", "b"], ["b"]], "b"],
    ])("%s", (_, preferences, selected) => {
      const harness = new ShardHarness();
      const members = preferences.map((names) => ({ protocols: names.map((name) => [name, ""] as const) }));
      const pending = members.map((options) => ({ ...options, memberId: harness.join(options).answer.memberId }));
      const [first] = pending.map((options) => harness.join(options));
      harness.advance(0);
      expect(first!.answer.protocolName).toBe(selected);
    });
  });

  describe("initial rebalance", () => {
    it("waits for more members, and again as long as they come", () => {
      const harness = new ShardHarness({ groupInitialRebalanceDelayMs: 3_000 });
      const a = harness.joinTwice({ rebalanceTimeoutMs: 5_000 });
      harness.advance(2_999);
      const b = harness.joinTwice({ rebalanceTimeoutMs: 5_000 });
      harness.advance(1);
      expect(a.ticket.isAnswered).toBe(false);
      // What is left of the rebalance timeout is the end of it.
      harness.advance(1_999);
      expect(a.ticket.isAnswered).toBe(false);
      harness.advance(1);
      expect([a.ticket.answer.generationId, b.ticket.answer.generationId]).toEqual([1, 1]);
    });

    it("ends after its delay when nobody comes", () => {
      const harness = new ShardHarness({ groupInitialRebalanceDelayMs: 3_000 });
      const { ticket } = harness.joinTwice();
      harness.advance(2_999);
      expect(ticket.isAnswered).toBe(false);
      harness.advance(1);
      expect(ticket.answer.generationId).toBe(1);
    });

    it("leaves an empty group when everybody has left meanwhile", () => {
      const harness = new ShardHarness({ groupInitialRebalanceDelayMs: 3_000 });
      const { memberId, ticket } = harness.joinTwice();
      harness.leave([memberId]);
      expect(ticket.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
      harness.advance(3_000);
      expect(harness.state()).toBe("Empty");
    });
  });

  describe("a member that joins again", () => {
    it("with nothing new gets the present generation in a stable group, as a follower", () => {
      const harness = new ShardHarness();
      const { memberIds, generationId } = harness.stableGroup(2);
      const again = harness.join({ memberId: memberIds[1]! }).answer;
      expect(again).toMatchObject({ errorCode: 0, generationId, members: [] });
      expect(harness.state()).toBe("Stable");
    });

    it.each([
      ["the leader", 0, [["range", "topics"]]],
      ["a follower that says something new", 1, [["range", "other topics"]]],
      [
        "a follower that supports something new",
        1,
        [
          ["range", "topics"],
          ["sticky", ""],
        ],
      ],
    ] as const)("starts a rebalance of a stable group: %s", (_, index, protocols) => {
      const harness = new ShardHarness();
      const { memberIds } = harness.stableGroup(2);
      expect(harness.join({ memberId: memberIds[index]!, protocols }).isAnswered).toBe(false);
      expect(harness.state()).toBe("PreparingRebalance");
    });

    it("gets the answer that it missed while the group awaits the assignment, the leader with all members", () => {
      const harness = new ShardHarness();
      const a = harness.joinTwice();
      const b = harness.joinTwice();
      harness.advance(0);
      expect(harness.join({ memberId: a.memberId }).answer.members).toHaveLength(2);
      expect(harness.join({ memberId: b.memberId }).answer).toMatchObject({ generationId: 1, members: [] });
      expect(harness.state()).toBe("CompletingRebalance");
    });

    it("with something new while the group awaits the assignment starts over, and who awaits it is told", () => {
      const harness = new ShardHarness();
      const a = harness.joinTwice();
      const b = harness.joinTwice();
      harness.advance(0);
      const waiting = harness.sync(b.memberId, 1);
      harness.join({ memberId: a.memberId, protocols: [["range", "new"]] });
      expect(waiting.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      expect(harness.state()).toBe("PreparingRebalance");
    });

    it("while its first request still waits: that one is answered too", () => {
      const harness = new ShardHarness();
      const { memberIds } = harness.stableGroup(2);
      const first = harness.join({ memberId: memberIds[0]! });
      const second = harness.join({ memberId: memberIds[0]! });
      expect(first.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      harness.join({ memberId: memberIds[1]! });
      expect(second.answer.generationId).toBe(2);
    });
  });

  describe("the rebalance timeout", () => {
    it("takes out the dynamic members that have not come, and elects another leader", () => {
      const harness = new ShardHarness();
      const { memberIds, generationId } = harness.stableGroup(2);
      const [leader, follower] = memberIds as [string, string];
      const joined = harness.join({ memberId: follower, protocols: [["range", "new"]] });
      for (let elapsedMs = 0; elapsedMs < DEFAULT_REBALANCE_MS; elapsedMs += 5_000) {
        expect(harness.heartbeat(leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
        expect(joined.isAnswered).toBe(false);
        harness.advance(5_000);
      }
      expect(joined.answer).toMatchObject({ generationId: 2, leader: follower });
      expect(joined.answer.members).toHaveLength(1);
      expect(harness.heartbeat(leader, generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    });

    it("is the longest that any member gave; the session timeout stands in for -1", () => {
      const harness = new ShardHarness();
      const first = harness.join({ version: 0, rebalanceTimeoutMs: -1, sessionTimeoutMs: 20_000 });
      const second = harness.join({ version: 1, rebalanceTimeoutMs: 8_000, sessionTimeoutMs: 1_000_000 });
      harness.advance(0);
      const { memberId } = second.answer;
      harness.sync(first.answer.memberId, 1, {});
      harness.sync(memberId, 1);
      const again = harness.join({ version: 1, memberId, protocols: [["range", "new"]], sessionTimeoutMs: 30_000 });
      harness.advance(19_999);
      expect(again.isAnswered).toBe(false);
      harness.advance(1);
      expect(again.answer).toMatchObject({ generationId: 2, leader: memberId });
    });

    it("keeps static members that are away", () => {
      const harness = new ShardHarness();
      const away = harness.join({ instanceId: "away", sessionTimeoutMs: 300_000 });
      const here = harness.join({ instanceId: "here", sessionTimeoutMs: 300_000 });
      harness.advance(0);
      harness.sync(away.answer.memberId, 1, {}, { instanceId: "away" });
      harness.sync(here.answer.memberId, 1, {}, { instanceId: "here" });
      const again = harness.join({
        memberId: here.answer.memberId,
        instanceId: "here",
        protocols: [["range", "new"]],
        sessionTimeoutMs: 300_000,
      });
      harness.advance(DEFAULT_REBALANCE_MS);
      expect(again.answer).toMatchObject({ generationId: 2, leader: here.answer.memberId });
      expect(again.answer.members).toHaveLength(2);
    });

    it("is waited out anew while only absent static members are left", () => {
      const harness = new ShardHarness();
      const a = harness.join({ instanceId: "a", sessionTimeoutMs: 200_000 });
      const { memberId: b } = harness.joinTwice({ sessionTimeoutMs: 6_000 });
      harness.advance(0);
      harness.sync(a.answer.memberId, 1, {}, { instanceId: "a" });
      harness.sync(b, 1);
      harness.leave([b]);
      harness.advance(2 * DEFAULT_REBALANCE_MS);
      expect(harness.state()).toBe("PreparingRebalance");
      harness.advance(DEFAULT_REBALANCE_MS + 20_000);
      expect(harness.state()).toBe("Empty");
    });
  });

  it("takes a new member out that has waited for five minutes", () => {
    const harness = new ShardHarness();
    const { memberIds, generationId } = harness.stableGroup(1, { rebalanceTimeoutMs: 1_000_000 });
    const { ticket } = harness.joinTwice();
    for (let elapsedMs = 0; elapsedMs < 300_000; elapsedMs += 5_000) {
      expect(ticket.isAnswered).toBe(false);
      harness.heartbeat(memberIds[0]!, generationId);
      harness.advance(5_000);
    }
    expect(ticket.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
