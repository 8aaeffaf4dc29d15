import { ErrorCode, type KafkaError } from "@ottla/protocol";
import type { MemberAssignment, MemberSubscription, RebalanceProtocol } from "../assignors/assignor.ts";
import type { TopicPartition } from "../topic-partition.ts";

/**
 * Where a member of a group stands:
 *
 * - `unjoined`: not begun;
 * - `preparing`: gives up what it has, before it joins again or leaves;
 * - `joining`: JoinGroup (or the first heartbeat of the consumer protocol) is under way;
 * - `assigning`: as the leader, it shares the partitions out; only in the classic protocol;
 * - `syncing`: SyncGroup is under way; only in the classic protocol;
 * - `revoking`: gives up what went to others, and reads the rest on;
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
  | "revoking"
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
  /** The generation, in the consumer protocol the member's epoch; -1 while the member belongs to none. */
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

/** Which partitions are to be given up: all, those of topics not subscribed to (any more), or these. */
export type GiveUpScope = "all" | "unsubscribed" | readonly TopicPartition[];

/** What is to be done next. Its outcome is given to {@link ClassicMembership.next}. */
export type MembershipStep =
  /** Stop reading partitions. `revoke`: finish and commit what is in hand first. `lose`: others have them already. */
  | { readonly do: "giveUp"; readonly how: "revoke" | "lose"; readonly what: GiveUpScope }
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
  /** `revoked`: what the member holds and is not assigned any more. */
  | { readonly type: "synced"; readonly assignment: MemberAssignment; readonly revoked: readonly TopicPartition[] }
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

/** What kind of member it is. */
export interface MembershipOptions {
  /** A member with a `groupInstanceId` never leaves by itself: it may come back in time (KIP-345). */
  readonly isStatic: boolean;
  /** Whether the member gives up all it has for a rebalance, or reads on (KIP-429). */
  readonly rebalanceProtocol: RebalanceProtocol;
}

/**
 * The classic group protocol as a member sees it (KIP-62, KIP-429): which step follows which. Pure: it does nothing
 * itself, so that every path can be played through. One step is under way at a time; what happens meanwhile comes in
 * through {@link requestRejoin}, {@link coordinatorRefused}, {@link suspend} and {@link close}, which say whether the
 * step is to be cut short.
 */
export class ClassicMembership {
  #state: MembershipState = "unjoined";
  #memberId = "";
  #generationId = NO_GENERATION;
  #joined: JoinedGroup | undefined;
  /** What SyncGroup brought, until it is adopted. */
  #assignment: MemberAssignment | undefined;
  #holdsPartitions = false;
  #rejoinReason: string | undefined;
  #failure: KafkaError | null = null;
  #isClosing = false;
  #isSuspending = false;
  #failedJoins = 0;
  readonly #options: MembershipOptions;
  readonly #onTransition: TransitionListener;

  constructor(options: MembershipOptions, onTransition: TransitionListener = () => {}) {
    this.#options = options;
    this.#onTransition = onTransition;
  }

  get state(): MembershipState {
    return this.#state;
  }

  /** Whether the listener is told now that partitions go: they still are this member's, to commit for. */
  get isGivingUp(): boolean {
    return this.#state === "preparing" || this.#state === "revoking";
  }

  get identity(): MemberIdentity {
    return { memberId: this.#memberId, generationId: this.#generationId };
  }

  /** Whether the coordinator expects heartbeats: not while it holds back an answer of ours, and not before we joined. */
  get wantsHeartbeats(): boolean {
    if (this.#generationId === NO_GENERATION) return false;
    return ["preparing", "assigning", "revoking", "adopting", "stable"].includes(this.#state);
  }

  /** Whether a request is under way whose answer comes with a new generation. */
  get isRebalancing(): boolean {
    return ["joining", "assigning", "syncing"].includes(this.#state);
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
      case "revoking":
        return this.#afterRevoking();
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
    return this.#state === "stable" || (this.isGivingUp && this.#generationId === NO_GENERATION);
  }

  /** The handler hangs: leave, so that others read on. Returns whether the step under way is to be cut short. */
  suspend(): boolean {
    if (this.#isClosing) return false;
    this.#isSuspending = true;
    return this.#state !== "adopting" && this.#state !== "leaving" && this.#state !== "suspended";
  }

  /** Leave for good. Returns whether the step under way is to be cut short. */
  close(): boolean {
    this.#isClosing = true;
    return this.#state !== "adopting" && this.#state !== "leaving";
  }

  #afterJoin(outcome: StepOutcome): MembershipStep {
    if (outcome.type === "memberIdRequired") {
      this.#memberId = outcome.memberId;
      return this.#isLeaving ? this.#settle() : this.#join("member id given");
    }
    if (outcome.type !== "joined") return this.#settle();
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
    if (this.#isLeaving || outcome.type !== "assigned") return this.#settle();
    return this.#sync(outcome.assignments);
  }

  #sync(assignments: GroupAssignment): MembershipStep {
    this.#enter("syncing", `generation ${this.#generationId}`);
    return { do: "sync", joined: this.#joined!, assignments };
  }

  /** What went to others is given up first; the rebalance that follows lets them have it. */
  #afterSync(outcome: StepOutcome): MembershipStep {
    if (outcome.type !== "synced") return this.#settle();
    this.#assignment = outcome.assignment;
    if (outcome.revoked.length === 0) return this.#adopt();
    this.#enter("revoking", `generation ${this.#generationId}`);
    return { do: "giveUp", how: "revoke", what: outcome.revoked };
  }

  #afterRevoking(): MembershipStep {
    this.#rejoinReason ??= "partitions were given up";
    if (this.#failure !== null || this.#isLeaving || this.#generationId === NO_GENERATION) return this.#settle();
    return this.#adopt();
  }

  #adopt(): MembershipStep {
    this.#holdsPartitions = true;
    this.#enter("adopting", `generation ${this.#generationId}`);
    return { do: "adopt", joined: this.#joined!, assignment: this.#assignment! };
  }

  get #isLeaving(): boolean {
    return this.#isClosing || this.#isSuspending;
  }

  /** After `adopt`, `stay`, or a change of mind: what the disturbances so far ask for. */
  #settle(): MembershipStep {
    if (this.#failure !== null) return this.#giveUp("lose", this.#failure.code);
    if (this.#isClosing) return this.#giveUp(this.#generationId === NO_GENERATION ? "lose" : "revoke", "closed");
    if (this.#isSuspending) return this.#giveUp("lose", "the handler hangs");
    if (this.#generationId === NO_GENERATION) return this.#giveUp("lose", this.#rejoinReason ?? "no longer a member");
    if (this.#rejoinReason !== undefined) return this.#prepare(this.#rejoinReason);
    if (this.#state !== "stable") this.#enter("stable", `generation ${this.#generationId}`);
    return { do: "stay" };
  }

  /** Before another rebalance. A cooperative member reads on, but for topics that it does not subscribe to any more. */
  #prepare(reason: string): MembershipStep {
    if (this.#options.rebalanceProtocol === "eager") return this.#giveUp("revoke", reason);
    this.#enter("preparing", reason);
    return { do: "giveUp", how: "revoke", what: "unsubscribed" };
  }

  #giveUp(how: "revoke" | "lose", reason: string): MembershipStep {
    if (!this.#holdsPartitions) return this.#afterGivingUp();
    this.#enter("preparing", reason);
    this.#holdsPartitions = false;
    return { do: "giveUp", how, what: "all" };
  }

  /** What came up while partitions were given up may ask for more to be given up. */
  #afterGivingUp(): MembershipStep {
    const isOut = this.#failure !== null || this.#isLeaving || this.#generationId === NO_GENERATION;
    if (isOut && this.#holdsPartitions) return this.#settle();
    if (this.#failure !== null) return this.#end("failed", this.#failure.code);
    if (this.#isLeaving) return this.#leave();
    return this.#join(this.#rejoinReason ?? "rebalance");
  }

  #join(reason: string): MembershipStep {
    if (this.#isLeaving) return this.#settle();
    this.#rejoinReason = undefined;
    this.#enter("joining", reason);
    return { do: "join", identity: this.identity, afterFailures: this.#failedJoins };
  }

  #leave(): MembershipStep {
    const identity = this.identity;
    this.#generationId = NO_GENERATION;
    if (identity.memberId === "" || this.#options.isStatic) return this.#afterLeaving();
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
    if (this.#generationId === NO_GENERATION && this.#holdsPartitions) return this.#settle();
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
