import { ErrorCode, KafkaError } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ClassicMembership,
  type JoinedGroup,
  type MembershipState,
  type MembershipStep,
  type StepOutcome,
} from "./membership.ts";

const EAGER = { isStatic: false, rebalanceProtocol: "eager" } as const;
const COOPERATIVE = { isStatic: false, rebalanceProtocol: "cooperative" } as const;
const DONE: StepOutcome = { type: "done" };
const INTERRUPTED: StepOutcome = { type: "interrupted" };
const SYNCED = {
  type: "synced",
  assignment: { partitions: [], userData: null },
  revoked: [],
} as const satisfies StepOutcome;
const SYNCED_WITH_LESS: StepOutcome = { ...SYNCED, revoked: [{ topic: "t", partition: 0 }] };
const ASSIGNED: StepOutcome = { type: "assigned", assignments: new Map() };

function refused(errno: number): StepOutcome {
  return { type: "refused", error: KafkaError.fromCode(errno) };
}

function joined(generationId: number, options: Partial<JoinedGroup> = {}): StepOutcome {
  const group = { memberId: "m", generationId, protocolName: "range", isLeader: false, members: [] };
  return { type: "joined", joined: { ...group, skipAssignment: false, ...options } };
}

/** A member that is stable in generation 1. */
function stableMember(isStatic = false): ClassicMembership {
  const membership = new ClassicMembership({ isStatic, rebalanceProtocol: "eager" });
  membership.start();
  membership.next(joined(1));
  membership.next(SYNCED);
  membership.next(DONE);
  expect(membership.state).toBe("stable");
  return membership;
}

/** The kinds of steps that follow one after another as each ends in the given way. */
function play(membership: ClassicMembership, outcomes: readonly StepOutcome[]): string[] {
  return outcomes.map((outcome) => describeStep(membership.next(outcome)));
}

function describeStep(step: MembershipStep): string {
  return step.do === "giveUp" ? `giveUp:${step.how}` : step.do;
}

describe("joining", () => {
  test("with the member id that the coordinator gives (KIP-394)", () => {
    const membership = new ClassicMembership(EAGER);
    expect(membership.start()).toMatchObject({ do: "join", identity: { memberId: "", generationId: -1 } });
    const again = membership.next({ type: "memberIdRequired", memberId: "m-1" });
    expect(again).toMatchObject({ do: "join", identity: { memberId: "m-1" }, afterFailures: 0 });
    expect(play(membership, [joined(1), SYNCED, DONE])).toEqual(["sync", "adopt", "stay"]);
  });

  test("again, where the leader could not find out about the topics for so long that it gave up", () => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    const steps = play(membership, [joined(1, { isLeader: true }), refused(ErrorCode.REQUEST_TIMED_OUT)]);
    expect(steps).toEqual(["assign", "join"]);
  });

  test("as the leader", () => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    expect(play(membership, [joined(1, { isLeader: true }), ASSIGNED, SYNCED, DONE])).toEqual([
      "assign",
      "sync",
      "adopt",
      "stay",
    ]);
  });

  test.each([
    { errno: ErrorCode.UNKNOWN_MEMBER_ID, memberId: "", generationId: -1 },
    { errno: ErrorCode.ILLEGAL_GENERATION, memberId: "m", generationId: -1 },
    { errno: ErrorCode.REBALANCE_IN_PROGRESS, memberId: "m", generationId: 1 },
  ])("again when SyncGroup is refused with $errno", ({ errno, memberId, generationId }) => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    membership.next(joined(1));
    expect(membership.next(refused(errno))).toMatchObject({
      do: "join",
      identity: { memberId, generationId },
      afterFailures: 1,
    });
  });

  test.each([
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    ErrorCode.INVALID_SESSION_TIMEOUT,
    ErrorCode.GROUP_AUTHORIZATION_FAILED,
    ErrorCode.GROUP_MAX_SIZE_REACHED,
  ])("is over with error %i", (errno) => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    expect(membership.next(refused(errno))).toMatchObject({ do: "stop", error: { errno } });
    expect(membership.state).toBe("failed");
  });
});

describe("a stable member", () => {
  test("gives up in order when the group rebalances, then joins with its id", () => {
    const membership = stableMember();
    expect(
      membership.coordinatorRefused(KafkaError.fromCode(ErrorCode.REBALANCE_IN_PROGRESS), membership.identity),
    ).toBe(true);
    expect(play(membership, [DONE, DONE])).toEqual(["giveUp:revoke", "join"]);
    expect(membership.identity).toEqual({ memberId: "m", generationId: 1 });
  });

  test.each([
    { errno: ErrorCode.UNKNOWN_MEMBER_ID, memberId: "" },
    { errno: ErrorCode.ILLEGAL_GENERATION, memberId: "m" },
  ])("has lost its partitions after error $errno", ({ errno, memberId }) => {
    const membership = stableMember();
    expect(membership.coordinatorRefused(KafkaError.fromCode(errno), membership.identity)).toBe(true);
    expect(membership.wantsHeartbeats).toBe(false);
    expect(play(membership, [DONE, DONE])).toEqual(["giveUp:lose", "join"]);
    expect(membership.identity).toEqual({ memberId, generationId: -1 });
  });

  test("ends when it is fenced", () => {
    const membership = stableMember(true);
    membership.coordinatorRefused(KafkaError.fromCode(ErrorCode.FENCED_INSTANCE_ID), membership.identity);
    expect(play(membership, [DONE, DONE])).toEqual(["giveUp:lose", "stop"]);
    expect(membership.state).toBe("failed");
  });

  test("does not mind an answer that was meant for an earlier generation", () => {
    const membership = stableMember();
    const earlier = { memberId: "m", generationId: 0 };
    expect(membership.coordinatorRefused(KafkaError.fromCode(ErrorCode.UNKNOWN_MEMBER_ID), earlier)).toBe(false);
    expect(play(membership, [DONE])).toEqual(["stay"]);
  });

  test("leaves when it closes, unless it is static", () => {
    const dynamic = stableMember();
    expect(dynamic.close()).toBe(true);
    expect(play(dynamic, [DONE, DONE, DONE])).toEqual(["giveUp:revoke", "leave", "stop"]);
    const fixed = stableMember(true);
    expect(fixed.close()).toBe(true);
    expect(play(fixed, [DONE, DONE])).toEqual(["giveUp:revoke", "stop"]);
    expect(fixed.state).toBe("left");
  });

  test("is out of the group while the handler hangs", () => {
    const membership = stableMember();
    expect(membership.suspend()).toBe(true);
    expect(play(membership, [DONE, DONE, DONE])).toEqual(["giveUp:lose", "leave", "awaitHandler"]);
    expect(membership.state).toBe("suspended");
    expect(membership.next(DONE)).toMatchObject({ do: "join", identity: { memberId: "", generationId: -1 } });
  });
});

describe("a cooperative member", () => {
  function cooperativeMember(): ClassicMembership {
    const membership = new ClassicMembership(COOPERATIVE);
    membership.start();
    play(membership, [joined(1), SYNCED, DONE]);
    expect(membership.state).toBe("stable");
    return membership;
  }

  test("keeps what it has while it joins again", () => {
    const membership = cooperativeMember();
    membership.requestRejoin("x");
    expect(membership.next(DONE)).toMatchObject({ do: "giveUp", how: "revoke", what: "unsubscribed" });
    expect(play(membership, [DONE, joined(2), SYNCED, DONE])).toEqual(["join", "sync", "adopt", "stay"]);
  });

  test("gives up what went to others before it takes over the rest, and joins again at once", () => {
    const membership = cooperativeMember();
    membership.requestRejoin("x");
    play(membership, [DONE, DONE, joined(2)]);
    expect(membership.next(SYNCED_WITH_LESS)).toMatchObject({ do: "giveUp", how: "revoke", what: [{ topic: "t" }] });
    expect([membership.state, membership.wantsHeartbeats]).toEqual(["revoking", true]);
    expect(play(membership, [DONE, DONE, DONE])).toEqual(["adopt", "giveUp:revoke", "join"]);
  });

  test.each([ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION])(
    "has lost everything when JoinGroup or SyncGroup is refused with %i",
    (errno) => {
      const membership = cooperativeMember();
      membership.requestRejoin("x");
      play(membership, [DONE, DONE]);
      expect(membership.next(refused(errno))).toMatchObject({ do: "giveUp", how: "lose", what: "all" });
      expect(play(membership, [DONE])).toEqual(["join"]);
    },
  );

  test("keeps it when the rebalance begins anew", () => {
    const membership = cooperativeMember();
    membership.requestRejoin("x");
    play(membership, [DONE, DONE, joined(2)]);
    expect(play(membership, [refused(ErrorCode.REBALANCE_IN_PROGRESS)])).toEqual(["join"]);
  });

  test("that closes in the middle of a rebalance gives up in order, then leaves", () => {
    const membership = cooperativeMember();
    membership.requestRejoin("x");
    play(membership, [DONE, DONE]);
    expect(membership.close()).toBe(true);
    expect(play(membership, [INTERRUPTED, DONE, DONE])).toEqual(["giveUp:revoke", "leave", "stop"]);
  });

  test("whose handler hangs in the middle of a rebalance loses everything, and leaves", () => {
    const membership = cooperativeMember();
    membership.requestRejoin("x");
    play(membership, [DONE, DONE]);
    expect(membership.suspend()).toBe(true);
    expect(play(membership, [INTERRUPTED, DONE, DONE])).toEqual(["giveUp:lose", "leave", "awaitHandler"]);
  });
});

describe("meanwhile", () => {
  test("a rebalance that begins while partitions are taken over comes after that", () => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    membership.next(joined(1));
    membership.next(SYNCED);
    expect(membership.requestRejoin("the subscription changed")).toBe(false);
    expect(play(membership, [DONE, DONE])).toEqual(["giveUp:revoke", "join"]);
  });

  test("what is changed after JoinGroup was sent leads to another one", () => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    membership.requestRejoin("the subscription changed");
    expect(play(membership, [joined(1), SYNCED, DONE])).toEqual(["sync", "adopt", "giveUp:revoke"]);
  });

  test("a member that is put out while it waits for the handler stops waiting", () => {
    const membership = stableMember();
    membership.requestRejoin("x");
    membership.next(DONE);
    expect(membership.state).toBe("preparing");
    expect(membership.coordinatorRefused(KafkaError.fromCode(ErrorCode.UNKNOWN_MEMBER_ID), membership.identity)).toBe(
      true,
    );
    expect(membership.next(DONE)).toMatchObject({ do: "join", identity: { memberId: "" } });
  });

  test("closing cuts a join short", () => {
    const membership = new ClassicMembership(EAGER);
    membership.start();
    membership.next({ type: "memberIdRequired", memberId: "m" });
    expect(membership.close()).toBe(true);
    expect(play(membership, [INTERRUPTED, DONE])).toEqual(["leave", "stop"]);
  });
});

/** What can happen to a step that is under way, and how that step may then end. */
const disturbances = ["rejoin", "rebalance", "unknownMember", "illegalGeneration", "suspend", "none"] as const;

describe("any course of events", () => {
  const transitions = new Map<string, number>();

  test("keeps to the order of the protocol and ends when closed", () => {
    const event = fc.record({
      disturbance: fc.constantFrom(...disturbances, "none" as const, "none" as const, "rejoin" as const),
      choice: fc.nat({ max: 7 }),
    });
    const protocol = fc.constantFrom("eager" as const, "cooperative" as const);
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60, size: "max" }),
        fc.boolean(),
        protocol,
        (events, isStatic, rebalanceProtocol) => {
          const count = (from: MembershipState, to: MembershipState) =>
            transitions.set(`${from} -> ${to}`, (transitions.get(`${from} -> ${to}`) ?? 0) + 1);
          const model = new Model(
            new ClassicMembership({ isStatic, rebalanceProtocol }, count),
            rebalanceProtocol === "cooperative",
          );
          for (const { disturbance, choice } of events) {
            if (model.isOver) break;
            model.disturb(disturbance);
            model.finishStep(choice);
          }
          model.close();
        },
      ),
      { numRuns: 2_000, seed: 5 },
    );
  });

  test("has met each transition", () => {
    const met = [...transitions.keys()].sort();
    expect(met).toEqual(
      [
        "unjoined -> joining",
        "joining -> joining",
        "joining -> assigning",
        "joining -> syncing",
        "joining -> leaving",
        "joining -> left",
        "joining -> failed",
        "joining -> preparing",
        "assigning -> syncing",
        "assigning -> joining",
        "assigning -> failed",
        "assigning -> preparing",
        "assigning -> leaving",
        "assigning -> left",
        "syncing -> joining",
        "syncing -> adopting",
        "syncing -> preparing",
        "syncing -> revoking",
        "revoking -> adopting",
        "revoking -> preparing",
        "syncing -> leaving",
        "syncing -> left",
        "syncing -> failed",
        "adopting -> stable",
        "adopting -> preparing",
        "stable -> preparing",
        "preparing -> joining",
        "preparing -> preparing",
        "preparing -> failed",
        "preparing -> leaving",
        "preparing -> suspended",
        "preparing -> left",
        "leaving -> left",
        "leaving -> suspended",
        "suspended -> joining",
        "suspended -> left",
      ].sort(),
    );
  });
});

/** Plays a membership with arbitrary outcomes and checks what must hold all along. */
class Model {
  readonly #membership: ClassicMembership;
  #step: MembershipStep;
  readonly #isCooperative: boolean;
  #holds = false;
  #generation = 0;

  constructor(membership: ClassicMembership, isCooperative: boolean) {
    this.#membership = membership;
    this.#isCooperative = isCooperative;
    this.#step = membership.start();
  }

  get isOver(): boolean {
    return this.#step.do === "stop";
  }

  disturb(what: (typeof disturbances)[number]): void {
    const { identity } = this.#membership;
    if (what === "rejoin") this.#cut(this.#membership.requestRejoin("test"));
    else if (what === "suspend" && this.#holds) this.#cut(this.#membership.suspend());
    else if (this.#membership.wantsHeartbeats) {
      const errno = { rebalance: 27, unknownMember: 25, illegalGeneration: 22 }[what as "rebalance"];
      if (errno !== undefined) this.#cut(this.#membership.coordinatorRefused(KafkaError.fromCode(errno), identity));
    }
  }

  #cut(isCut: boolean): void {
    if (isCut) this.#end(this.#step.do === "stay" || this.#step.do === "giveUp" ? DONE : INTERRUPTED);
  }

  finishStep(choice: number): void {
    const outcome = this.isOver ? undefined : this.#outcome(choice);
    if (outcome !== undefined) this.#end(outcome);
  }

  close(): void {
    if (this.isOver) return;
    this.#cut(this.#membership.close());
    for (let steps = 0; !this.isOver; steps++) {
      expect(steps).toBeLessThan(10);
      this.#end(this.#outcome(0) ?? DONE);
    }
    expect(["left", "failed"]).toContain(this.#membership.state);
    expect(this.#holds).toBe(false);
  }

  /** How the step under way ends; undefined for one that goes on. */
  #outcome(choice: number): StepOutcome | undefined {
    const errors = [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION, ErrorCode.REBALANCE_IN_PROGRESS];
    const error = choice === 7 ? ErrorCode.GROUP_MAX_SIZE_REACHED : errors[choice - 4];
    const isRefusable = ["join", "assign", "sync"].includes(this.#step.do);
    if (isRefusable && error !== undefined) return refused(error);
    if (this.#step.do === "join") {
      if (choice === 3) return { type: "memberIdRequired", memberId: "given" };
      return joined(++this.#generation, { isLeader: choice === 2 });
    }
    if (this.#step.do === "assign") return ASSIGNED;
    if (this.#step.do === "sync") return this.#isCooperative && this.#holds && choice > 0 ? SYNCED_WITH_LESS : SYNCED;
    return this.#step.do === "stay" ? undefined : DONE;
  }

  #end(outcome: StepOutcome): void {
    const ended = this.#step;
    this.#step = this.#membership.next(outcome);
    if (ended.do === "sync" && outcome.type === "synced") this.#holds = true;
    if (ended.do === "giveUp" && ended.what === "all") this.#holds = false;
    const { state } = this.#membership;
    if (this.#step.do === "leave") expect(this.#holds).toBe(false);
    // A cooperative member reads on while it joins, but not once the coordinator has put it out.
    if (this.#step.do === "join" && this.#holds) {
      expect([this.#isCooperative, this.#step.identity.generationId !== -1]).toEqual([true, true]);
    }
    if (this.#step.do === "stay") expect(this.#membership.identity.generationId).toBe(this.#generation);
    if (this.#membership.wantsHeartbeats) expect(this.#membership.identity.generationId).not.toBe(-1);
    expect(this.#step.do === "stop").toBe(state === "left" || state === "failed");
  }
}
