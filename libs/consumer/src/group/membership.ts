import { ErrorCode, type KafkaError } from "@ottla/protocol";
import type { MemberAssignment, MemberSubscription } from "../assignors/assignor.ts";

/**
 * Where a member of a classic group stands:
 *
 * - `unjoined`: not begun;
 * - `preparing`: gives up what it has, before it joins again or leaves;
 * - `joining`: JoinGroup is under way;
 * - `assigning`: as the leader, it shares the partitions out;
 * - `syncing`: SyncGroup is under way;
 * - `adopting`: takes over what it was assigned;
 * - `stable`: reads its partitions;
 * - `leaving`: LeaveGroup is under way;
 * - `suspended`: out of the group because the handler hangs, until it comes back;
 * - `left`, `failed`: the ends.
 */
export type MembershipState =
  | "unjoined"
  | "preparing"
  | "joining"
  | "assigning"
  | "syncing"
  | "adopting"
  | "stable"
  | "leaving"
  | "suspended"
  | "left"
  | "failed";

/** Who the coordinator takes this member for. */
export interface MemberIdentity {
  /** Empty until the coordinator has given one. */
  readonly memberId: string;
  /** -1 while the member belongs to no generation. */
  readonly generationId: number;
}

/** What JoinGroup brought. */
export interface JoinedGroup extends MemberIdentity {
  readonly protocolName: string;
  readonly isLeader: boolean;
  /** For the leader: everybody's subscriptions; otherwise empty. */
  readonly members: readonly MemberSubscription[];
  /** For a static member that comes back as the leader: the assignment stands (KIP-814). */
  readonly skipAssignment: boolean;
}

export type GroupAssignment = ReadonlyMap<string, MemberAssignment>;

/** What is to be done next. Its outcome is given to {@link ClassicMembership.next}. */
export type MembershipStep =
  /** Stop reading all partitions. `revoke`: finish and commit what is in hand first. `lose`: others have them already. */
  | { readonly do: "giveUp"; readonly how: "revoke" | "lose" }
  | { readonly do: "join"; readonly identity: MemberIdentity; readonly afterFailures: number }
  | { readonly do: "assign"; readonly joined: JoinedGroup }
  | { readonly do: "sync"; readonly joined: JoinedGroup; readonly assignments: GroupAssignment }
  | { readonly do: "adopt"; readonly joined: JoinedGroup; readonly assignment: MemberAssignment }
  /** Nothing, until something disturbs. */
  | { readonly do: "stay" }
  | { readonly do: "leave"; readonly identity: MemberIdentity; readonly reason: string }
  | { readonly do: "awaitHandler" }
  | { readonly do: "stop"; readonly error: KafkaError | null };

/** How a step ended. */
export type StepOutcome =
  /** `giveUp`, `adopt`, `leave`, `awaitHandler`: done. `stay`: disturbed. */
  | { readonly type: "done" }
  | { readonly type: "joined"; readonly joined: JoinedGroup }
  | { readonly type: "memberIdRequired"; readonly memberId: string }
  | { readonly type: "assigned"; readonly assignments: GroupAssignment }
  | { readonly type: "synced"; readonly assignment: MemberAssignment }
  /** The coordinator, or something on this side, refused in a way that waiting does not heal. */
  | { readonly type: "refused"; readonly error: KafkaError }
  /** Cut short by a disturbance. */
  | { readonly type: "interrupted" };

/** Told of each change of state. */
export type TransitionListener = (from: MembershipState, to: MembershipState, reason: string) => void;

const NO_GENERATION = -1;

/** Errors that end the membership in this generation, but let the member join again. */
const REJOIN_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
]);

/**
 * The classic group protocol as a member sees it (KIP-62): which step follows which. Pure: it does nothing itself, so
 * that every path can be played through. One step is under way at a time; what happens meanwhile comes in through
 * {@link requestRejoin}, {@link coordinatorRefused}, {@link suspend} and {@link close}, which say whether the step is
 * to be cut short.
 */
export class ClassicMembership {
  #state: MembershipState = "unjoined";
  #memberId = "";
  #generationId = NO_GENERATION;
  #joined: JoinedGroup | undefined;
  #holdsPartitions = false;
  #rejoinReason: string | undefined;
  #failure: KafkaError | null = null;
  #isClosing = false;
  #isSuspending = false;
  #failedJoins = 0;
  readonly #isStatic: boolean;
  readonly #onTransition: TransitionListener;

  /** @param isStatic a member with a `groupInstanceId` never leaves by itself: it may come back in time (KIP-345) */
  constructor(isStatic: boolean, onTransition: TransitionListener = () => {}) {
    this.#isStatic = isStatic;
    this.#onTransition = onTransition;
  }

  get state(): MembershipState {
    return this.#state;
  }

  get identity(): MemberIdentity {
    return { memberId: this.#memberId, generationId: this.#generationId };
  }

  /** Whether the coordinator expects heartbeats: not while it holds back an answer of ours, and not before we joined. */
  get wantsHeartbeats(): boolean {
    if (this.#generationId === NO_GENERATION) return false;
    return ["preparing", "assigning", "adopting", "stable"].includes(this.#state);
  }

  /** Begins. */
  start(): MembershipStep {
    return this.#join("subscribed");
  }

  /** The step that follows the one that ended so. */
  next(outcome: StepOutcome): MembershipStep {
    if (outcome.type === "refused") return this.#afterRefusal(outcome.error);
    switch (this.#state) {
      case "joining":
        return this.#afterJoin(outcome);
      case "assigning":
        return this.#afterAssign(outcome);
      case "syncing":
        return this.#afterSync(outcome);
      case "preparing":
        return this.#afterGivingUp();
      case "leaving":
        return this.#afterLeaving();
      case "suspended":
        this.#isSuspending = false;
        return this.#isClosing ? this.#end("left", "closed") : this.#join("the handler came back");
      default:
        return this.#settle();
    }
  }

  /** Something changed that only a rebalance takes account of. Returns whether the step under way is to be cut short. */
  requestRejoin(reason: string): boolean {
    this.#rejoinReason ??= reason;
    return this.#state === "stable";
  }

  /**
   * The coordinator answered a heartbeat or commit, sent with `identity`, with an error. Returns whether the step under
   * way is to be cut short.
   */
  coordinatorRefused(error: KafkaError, identity: MemberIdentity): boolean {
    if (identity.memberId !== this.#memberId || identity.generationId !== this.#generationId) return false;
    if (!REJOIN_ERRORS.has(error.errno)) this.#failure ??= error;
    else this.#forgetIdentity(error.errno);
    this.#rejoinReason ??= error.code;
    return this.#state === "stable" || (this.#state === "preparing" && this.#generationId === NO_GENERATION);
  }

  /** The handler hangs: leave, so that others read on. Returns whether the step under way is to be cut short. */
  suspend(): boolean {
    if (this.#isClosing) return false;
    this.#isSuspending = true;
    return this.#state === "stable" || this.#state === "preparing";
  }

  /** Leave for good. Returns whether the step under way is to be cut short. */
  close(): boolean {
    this.#isClosing = true;
    return this.#state !== "adopting" && this.#state !== "leaving";
  }

  #afterJoin(outcome: StepOutcome): MembershipStep {
    if (outcome.type === "memberIdRequired") {
      this.#memberId = outcome.memberId;
      return this.#isClosing ? this.#leave() : this.#join("member id given");
    }
    if (outcome.type !== "joined") return this.#leave();
    const { joined } = outcome;
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    this.#joined = joined;
    this.#failedJoins = 0;
    if (!joined.isLeader) return this.#sync(new Map());
    this.#enter("assigning", `leader of generation ${joined.generationId}`);
    return { do: "assign", joined };
  }

  #afterAssign(outcome: StepOutcome): MembershipStep {
    if (this.#isClosing || outcome.type !== "assigned") return this.#leave();
    return this.#sync(outcome.assignments);
  }

  #sync(assignments: GroupAssignment): MembershipStep {
    this.#enter("syncing", `generation ${this.#generationId}`);
    return { do: "sync", joined: this.#joined!, assignments };
  }

  #afterSync(outcome: StepOutcome): MembershipStep {
    if (outcome.type !== "synced") return this.#leave();
    this.#holdsPartitions = true;
    this.#enter("adopting", `generation ${this.#generationId}`);
    return { do: "adopt", joined: this.#joined!, assignment: outcome.assignment };
  }

  /** After `adopt`, `stay`, or a change of mind: what the disturbances so far ask for. */
  #settle(): MembershipStep {
    if (this.#failure !== null) return this.#giveUp("lose", this.#failure.code);
    if (this.#isClosing) return this.#giveUp("revoke", "closed");
    if (this.#isSuspending) return this.#giveUp("lose", "the handler hangs");
    if (this.#generationId === NO_GENERATION) return this.#giveUp("lose", this.#rejoinReason ?? "no longer a member");
    if (this.#rejoinReason !== undefined) return this.#giveUp("revoke", this.#rejoinReason);
    if (this.#state !== "stable") this.#enter("stable", `generation ${this.#generationId}`);
    return { do: "stay" };
  }

  #giveUp(how: "revoke" | "lose", reason: string): MembershipStep {
    if (!this.#holdsPartitions) return this.#afterGivingUp();
    this.#enter("preparing", reason);
    this.#holdsPartitions = false;
    return { do: "giveUp", how };
  }

  #afterGivingUp(): MembershipStep {
    if (this.#failure !== null) return this.#end("failed", this.#failure.code);
    if (this.#isClosing || this.#isSuspending) return this.#leave();
    return this.#join(this.#rejoinReason ?? "rebalance");
  }

  #join(reason: string): MembershipStep {
    if (this.#isClosing) return this.#leave();
    this.#rejoinReason = undefined;
    this.#enter("joining", reason);
    return { do: "join", identity: this.identity, afterFailures: this.#failedJoins };
  }

  #leave(): MembershipStep {
    const identity = this.identity;
    this.#generationId = NO_GENERATION;
    if (identity.memberId === "" || this.#isStatic) return this.#afterLeaving();
    this.#enter("leaving", this.#isClosing ? "closed" : "the handler hangs");
    return { do: "leave", identity, reason: this.#isClosing ? "the consumer was closed" : "the handler hangs" };
  }

  #afterLeaving(): MembershipStep {
    if (this.#isClosing) return this.#end("left", "closed");
    this.#memberId = "";
    this.#enter("suspended", "the handler hangs");
    return { do: "awaitHandler" };
  }

  #afterRefusal(error: KafkaError): MembershipStep {
    if (this.#isClosing && this.#state === "leaving") return this.#afterLeaving();
    if (!REJOIN_ERRORS.has(error.errno) && !error.retriable) {
      this.#failure = error;
      return this.#giveUp("lose", error.code);
    }
    this.#forgetIdentity(error.errno);
    this.#failedJoins++;
    return this.#join(error.code);
  }

  #forgetIdentity(errno: number): void {
    if (errno === ErrorCode.REBALANCE_IN_PROGRESS) return;
    this.#generationId = NO_GENERATION;
    if (errno === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = "";
  }

  #end(state: "left" | "failed", reason: string): MembershipStep {
    this.#enter(state, reason);
    return { do: "stop", error: this.#failure };
  }

  #enter(state: MembershipState, reason: string): void {
    const from = this.#state;
    this.#state = state;
    this.#onTransition(from, state, reason);
  }
}
