import { ErrorCode, ZERO_UUID } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ticket } from "./shard/ticket.ts";
import { offsetsOf, ShardHarness, type TestTicket } from "./test-support/shard-harness.ts";

const GROUPS = ["g0", "g1"] as const;
const INSTANCES = [null, null, "i0", "i1"] as const;

/** What may happen, as small numbers that shrink well. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("join" as const), group: fc.nat(1), who: fc.nat(9), what: fc.nat(3) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("sync" as const), group: fc.nat(1), who: fc.nat(9), what: fc.nat(9) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("heartbeat" as const), group: fc.nat(1), who: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("leave" as const), group: fc.nat(1), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("gone" as const), group: fc.nat(1), who: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("commit" as const), group: fc.nat(1), who: fc.nat(9), what: fc.nat(5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("simpleCommit" as const), group: fc.nat(1), what: fc.nat(5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("deleteOffsets" as const), group: fc.nat(1), what: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("deleteGroup" as const), group: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("deleteTopic" as const), what: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant("time" as const), ms: fc.constantFrom(0, 1, 3_000, 10_000, 60_000) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("commitLog" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("failLog" as const) }) },
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

interface KnownMember {
  readonly groupId: string;
  memberId: string;
  readonly instanceId: string | null;
  generationId: number;
  waiting: Ticket<never> | null;
}

/** Plays events against a shard, with whatever members it has heard of so far. */
class Player {
  readonly harness = new ShardHarness({ groupMaxSize: 5 });
  private readonly members: KnownMember[] = [];
  private commits = 0;

  constructor() {
    this.harness.holdsCommits = true;
  }

  play<Type extends Event["type"]>(next: Extract<Event, { type: Type }>): void {
    (this.actions[next.type] as (next: Event) => void)(next);
  }

  private readonly actions: { [Type in Event["type"]]: (next: Extract<Event, { type: Type }>) => void } = {
    join: ({ group, who, what }) => this.join(GROUPS[group]!, who, what),
    sync: (next) => this.withMember(next, (member) => this.sync(member, next.what)),
    heartbeat: (next) =>
      this.withMember(next, ({ memberId, generationId, groupId, instanceId }) => {
        this.harness.heartbeat(memberId, generationId, groupId, instanceId);
      }),
    leave: (next) =>
      this.withMember(next, ({ memberId, groupId }) => {
        this.harness.leave([memberId], groupId);
      }),
    gone: (next) =>
      this.withMember(next, ({ waiting, groupId }) => {
        if (waiting !== null) this.harness.clientGone(waiting, groupId);
      }),
    commit: (next) =>
      this.withMember(next, ({ memberId, generationId, groupId, instanceId }) => {
        const instance = instanceId === null ? {} : { instanceId };
        this.harness.commit(this.offset(next.what), { groupId, memberId, generationId, ...instance });
      }),
    simpleCommit: ({ group, what }) => {
      this.harness.commit(this.offset(what), { groupId: GROUPS[group]! });
    },
    deleteOffsets: ({ group, what }) => {
      this.harness.deleteOffsets(Object.keys(this.offset(what)), GROUPS[group]!);
    },
    deleteGroup: ({ group }) => {
      this.harness.deleteGroups([GROUPS[group]!]);
    },
    deleteTopic: ({ what }) => {
      this.harness.handle({ type: "topicsDeleted", topics: [{ name: `t${what}`, topicId: ZERO_UUID }] });
    },
    time: ({ ms }) => this.harness.advance(ms),
    commitLog: () => this.harness.commitOne(),
    failLog: () => this.harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS),
  };

  private offset(what: number): Record<string, number> {
    return { [`t${what % 2}-${what >> 1}`]: ++this.commits };
  }

  private withMember({ group, who }: { group: number; who: number }, action: (member: KnownMember) => void): void {
    const known = this.members.filter(({ groupId }) => groupId === GROUPS[group]);
    if (known.length > 0) action(known[who % known.length]!);
  }

  private join(groupId: string, who: number, what: number): void {
    const known = this.members.filter((member) => member.groupId === groupId);
    const again = who < 7 ? known[who % Math.max(known.length, 1)] : undefined;
    const instanceId = again?.instanceId ?? INSTANCES[what % INSTANCES.length]!;
    const ticket = this.harness.join({
      groupId,
      memberId: again?.memberId ?? "",
      instanceId,
      protocols: [["range", what === 3 ? "other" : "same"]],
      version: what === 2 ? 3 : 9,
      rebalanceTimeoutMs: 15_000,
    });
    const member = again ?? { groupId, memberId: "", instanceId, generationId: -1, waiting: null };
    if (again === undefined) this.members.push(member);
    member.waiting = ticket;
    this.learn(member, ticket);
  }

  /** Takes the member's id and generation from answers, now and before anything is done with it. */
  private learn(member: KnownMember, ticket: ReturnType<ShardHarness["join"]>): void {
    const refresh = () => {
      if (!ticket.isAnswered) return;
      if (ticket.answer.memberId !== "") member.memberId = ticket.answer.memberId;
      if (ticket.answer.errorCode === 0) member.generationId = ticket.answer.generationId!;
    };
    refresh();
    this.refreshers.set(member, refresh);
  }

  private readonly refreshers = new Map<KnownMember, () => void>();

  refresh(): void {
    for (const refresh of this.refreshers.values()) refresh();
  }

  private sync(member: KnownMember, what: number): void {
    const { groupId, memberId, generationId, instanceId } = member;
    const assignments = Object.fromEntries(
      this.members
        .filter((other) => other.groupId === groupId)
        .map((other) => [other.memberId, `${what} for ${other.memberId}`]),
    );
    const options = instanceId === null ? { groupId } : { groupId, instanceId };
    member.waiting = this.harness.sync(memberId, generationId, assignments, options);
  }
}

/** What of a shard is durable, as far as clients can see: offsets, and groups that nothing is going on in. */
function durable(harness: ShardHarness) {
  return GROUPS.map((groupId) => {
    const offsets = offsetsOf(harness.fetchTicket(null, { groupId }).answer);
    const [group] = harness.describe([groupId]);
    const { groupState, protocolType, protocolData, members } = group!;
    return { groupId, offsets, groupState, protocolType, protocolData, members };
  });
}

function withShard<T>(harness: ShardHarness, shard: ShardHarness["shard"], action: () => T): T {
  const live = harness.shard;
  harness.shard = shard;
  try {
    return action();
  } finally {
    harness.shard = live;
  }
}

describe("a shard that is loaded from the log", () => {
  it("is in every durable respect the one that wrote it", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const player = new Player();
        const { harness } = player;
        let hasFailed = false;
        for (const next of events) {
          player.play(next);
          player.refresh();
          hasFailed ||= next.type === "failLog";
        }
        harness.commitAll();
        const live = durable(harness);
        const loaded = withShard(harness, harness.replica(), () => durable(harness));
        live.forEach((group, index) => {
          const same = loaded[index]!;
          expect(same.offsets).toEqual(group.offsets);
          if (group.groupState === "Stable" || group.groupState === "Dead") expect(same).toEqual(group);
          // An empty group whose record was refused is older in the log.
          if (group.groupState === "Empty" && !hasFailed && same.groupState !== "Dead") {
            expect({ ...same, protocolType: "" }).toEqual({ ...group, protocolType: "" });
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("answers every request exactly once, whatever happens, by the time it is unloaded", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const player = new Player();
        const tickets: TestTicket<unknown>[] = [];
        const handle = player.harness.handle.bind(player.harness);
        const gone = new Set<unknown>();
        player.harness.handle = (request) => {
          if (request.type === "clientGone") gone.add(request.ticket);
          else if ("ticket" in request) tickets.push(request.ticket as TestTicket<unknown>);
          handle(request);
        };
        for (const next of events) {
          player.play(next);
          player.refresh();
        }
        player.harness.unloadAndReload();
        for (const ticket of tickets) expect(ticket.isAnswered || gone.has(ticket)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("records that are refused", () => {
  it("leave offsets as they were before them", () => {
    const offsets = fc.array(fc.tuple(fc.nat(1), fc.nat(3), fc.boolean()), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(offsets, offsets, (kept, refused) => {
        const harness = new ShardHarness();
        const apply = (script: typeof kept, base: number) =>
          script.forEach(([group, partition, deletes], index) => {
            const name = `t-${partition}`;
            if (deletes) harness.deleteOffsets([name], GROUPS[group]!);
            else harness.commit({ [name]: base + index }, { groupId: GROUPS[group]! });
          });
        apply(kept, 0);
        const before = durable(harness);
        harness.holdsCommits = true;
        apply(refused, 1_000);
        harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
        expect(durable(harness)).toEqual(before);
      }),
    );
  });
});
