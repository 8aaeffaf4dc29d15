import { ErrorCode, type KafkaError } from "@ottla/protocol";
import type { MemberAssignment } from "../assignors/assignor.ts";
import { type TopicPartition, without } from "../topic-partition.ts";
import type { GiveUpScope, MemberIdentity, MembershipState, TransitionListener } from "./membership.ts";

/** What is to be done next. Its outcome is given to {@link ConsumerMembership.next}. */
export type ConsumerMembershipStep =
  /** Send the first heartbeat, of epoch 0, until it is answered. */
  | { readonly do: "join"; readonly afterFailures: number }
  | { readonly do: "giveUp"; readonly how: "revoke" | "lose"; readonly what: GiveUpScope }
  /** Read exactly these, and tell the coordinator that it is so. */
  | { readonly do: "adopt"; readonly assignment: MemberAssignment }
  | { readonly do: "stay" }
  | { readonly do: "leave"; readonly identity: MemberIdentity }
  | { readonly do: "awaitHandler" }
  | { readonly do: "stop"; readonly error: KafkaError | null };

/** How a step ended. `done`: also a `stay` that was disturbed, and a `join` that was answered. */
export type ConsumerStepOutcome =
  | { readonly type: "done" }
  | { readonly type: "refused"; readonly error: KafkaError }
  | { readonly type: "interrupted" };

/** No epoch: not, or no longer, a member. */
const NO_EPOCH = -1;

/** The coordinator does not (or no longer) know this member: it may join anew. */
const EXPULSIONS: ReadonlySet<number> = new Set([ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID]);

/**
 * The consumer group protocol as a member sees it (KIP-848): the coordinator says with its answers to heartbeats what
 * the member is to read; the member gives up what is not its any more, takes over what is new, and says that it has.
 * Pure, like {@link ClassicMembership}: one step is under way at a time, and what happens meanwhile comes in through
 * the other methods, which say whether the step is to be cut short.
 */
export class ConsumerMembership {
  #state: MembershipState = "unjoined";
  #memberId: string;
  #epoch = NO_EPOCH;
  /** What the coordinator wants this member to read, unless that is done. */
  #target: MemberAssignment | undefined;
  /** The target that is being put into practice. */
  #adopting: MemberAssignment = { partitions: [], userData: null };
  #owned: readonly TopicPartition[] = [];
  #failure: KafkaError | null = null;
  #isClosing = false;
  #isSuspending = false;
  #failedJoins = 0;
  readonly #onTransition: TransitionListener;

  /** @param memberId made by the member itself, and its own until it ends */
  constructor(memberId: string, onTransition: TransitionListener = () => {}) {
    this.#memberId = memberId;
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
    return { memberId: this.#memberId, generationId: this.#epoch };
  }

  /** Whether the coordinator counts on this member. */
  get isMember(): boolean {
    return this.#epoch !== NO_EPOCH;
  }

  start(): ConsumerMembershipStep {
    return this.#join("subscribed");
  }

  /** A heartbeat was accepted; the epoch may have changed. Brokers before 4.0 give the member its id. */
  accepted({ memberId, generationId }: MemberIdentity): void {
    this.#memberId = memberId;
    this.#epoch = generationId;
    this.#failedJoins = 0;
  }

  /** The coordinator wants this member to read exactly `target`. Returns whether to cut the step short. */
  assign(target: MemberAssignment): boolean {
    this.#target = target;
    return this.#state === "stable";
  }

  /** A heartbeat or commit, sent with `identity`, was refused. Returns whether to cut the step short. */
  refused(error: KafkaError, identity: MemberIdentity): boolean {
    if (identity.generationId !== this.#epoch || identity.memberId !== this.#memberId) return false;
    if (EXPULSIONS.has(error.errno)) this.#epoch = NO_EPOCH;
    else this.#failure ??= error;
    return this.#state === "stable" || this.isGivingUp;
  }

  /** The handler hangs: leave, so that others read on. Returns whether to cut the step short. */
  suspend(): boolean {
    if (this.#isClosing) return false;
    this.#isSuspending = true;
    return this.#state !== "leaving" && this.#state !== "suspended";
  }

  /** Leave for good. Returns whether to cut the step short. */
  close(): boolean {
    this.#isClosing = true;
    return this.#state !== "leaving";
  }

  next(outcome: ConsumerStepOutcome): ConsumerMembershipStep {
    if (outcome.type === "refused") return this.#afterRefusal(outcome.error);
    switch (this.#state) {
      case "revoking":
        return this.#isOut ? this.#settle() : this.#adopt();
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

  get #isLeaving(): boolean {
    return this.#isClosing || this.#isSuspending;
  }

  /** Whether nothing of the assignment counts any more. */
  get #isOut(): boolean {
    return this.#failure !== null || this.#isLeaving || !this.isMember;
  }

  #settle(): ConsumerMembershipStep {
    if (this.#failure !== null) return this.#giveUpAll("lose", this.#failure.code);
    if (this.#isClosing) return this.#giveUpAll(this.isMember ? "revoke" : "lose", "closed");
    if (this.#isSuspending) return this.#giveUpAll("lose", "the handler hangs");
    if (!this.isMember) return this.#giveUpAll("lose", "no longer a member");
    if (this.#target !== undefined) return this.#reconcile(this.#target);
    if (this.#state !== "stable") this.#enter("stable", `epoch ${this.#epoch}`);
    return { do: "stay" };
  }

  /**
   * What others are to read goes first. A target that comes meanwhile is the next one: nobody else gets what this
   * member holds before it has said that it gave it up.
   */
  #reconcile(target: MemberAssignment): ConsumerMembershipStep {
    this.#target = undefined;
    this.#adopting = target;
    const revoked = without(this.#owned, target.partitions);
    if (revoked.length === 0) return this.#adopt();
    this.#enter("revoking", `epoch ${this.#epoch}`);
    return { do: "giveUp", how: "revoke", what: revoked };
  }

  #adopt(): ConsumerMembershipStep {
    this.#owned = this.#adopting.partitions;
    this.#enter("adopting", `epoch ${this.#epoch}`);
    return { do: "adopt", assignment: this.#adopting };
  }

  #giveUpAll(how: "revoke" | "lose", reason: string): ConsumerMembershipStep {
    this.#target = undefined;
    if (this.#owned.length === 0) return this.#afterGivingUp();
    this.#owned = [];
    this.#enter("preparing", reason);
    return { do: "giveUp", how, what: "all" };
  }

  #afterGivingUp(): ConsumerMembershipStep {
    if (this.#failure !== null) return this.#end("failed", this.#failure.code);
    if (this.#isLeaving) return this.#leave();
    return this.#join("no longer a member");
  }

  #join(reason: string): ConsumerMembershipStep {
    this.#epoch = NO_EPOCH;
    this.#enter("joining", reason);
    return { do: "join", afterFailures: this.#failedJoins };
  }

  #leave(): ConsumerMembershipStep {
    const { identity } = this;
    this.#epoch = NO_EPOCH;
    if (identity.generationId === NO_EPOCH && this.#state !== "joining") return this.#afterLeaving();
    this.#enter("leaving", this.#isClosing ? "closed" : "the handler hangs");
    return { do: "leave", identity };
  }

  #afterLeaving(): ConsumerMembershipStep {
    if (this.#isClosing) return this.#end("left", "closed");
    this.#enter("suspended", "the handler hangs");
    return { do: "awaitHandler" };
  }

  #afterRefusal(error: KafkaError): ConsumerMembershipStep {
    if (this.#state === "leaving") return this.#afterLeaving();
    if (EXPULSIONS.has(error.errno)) {
      this.#failedJoins++;
      this.#epoch = NO_EPOCH;
    } else this.#failure = error;
    return this.#settle();
  }

  #end(state: "left" | "failed", reason: string): ConsumerMembershipStep {
    this.#enter(state, reason);
    return { do: "stop", error: this.#failure };
  }

  #enter(state: MembershipState, reason: string): void {
    const from = this.#state;
    this.#state = state;
    this.#onTransition(from, state, reason);
  }
}
