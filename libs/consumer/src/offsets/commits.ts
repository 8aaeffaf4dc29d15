import type { CallOptions } from "@ottla/client";
import { type ClusterClient, type Deadline, toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import { ErrorCode } from "@ottla/protocol/client";
import type { Timer } from "@ottla/runtime";
import { notOwned } from "../errors.ts";
import type { ConsumerEventHub } from "../events.ts";
import type { MemberIdentity } from "../group/membership.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import type { CommitIdentity, CommittedOffsets } from "./committed-offsets.ts";
import type { OffsetToCommit } from "./offset-types.ts";

/** In whose name commits are made. */
export interface Committer {
  /** @throws KafkaError while nothing can be committed */
  identity(): CommitIdentity;
  /**
   * Whether this consumer may commit for a partition: only a member of the group that the partition is assigned to.
   * Anything goes where the consumer is no member.
   */
  mayCommit(offset: OwnedOffset): boolean;
  /** The coordinator did not take the commit from `identity`. Returns whether to try again after {@link settled}. */
  onRefused(error: KafkaError, identity: MemberIdentity): boolean;
  /** Settles when no rebalance is under way. @throws KafkaError `REQUEST_TIMED_OUT`, `ABORTED` */
  settled(deadline: Deadline): Promise<void>;
}

/** An offset of a record that was handed out while the partition belonged to `owner`, which is undefined if not known. */
export interface OwnedOffset extends OffsetToCommit {
  readonly owner?: object | undefined;
}

/** Errors that say something about the membership, not about the offsets. */
const MEMBERSHIP_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.STALE_MEMBER_EPOCH,
]);

/** Commits: what the user asks for, and processed offsets by itself. */
export class Commits<K, V> {
  readonly #client: ClusterClient;
  readonly #offsets: CommittedOffsets;
  readonly #partitions: AssignedPartitions<K, V>;
  readonly #committer: Committer;
  readonly #events: ConsumerEventHub;
  #timer: Timer | undefined;
  #isAutomaticUnderWay = false;

  constructor(
    client: ClusterClient,
    offsets: CommittedOffsets,
    partitions: AssignedPartitions<K, V>,
    committer: Committer,
    events: ConsumerEventHub,
  ) {
    this.#client = client;
    this.#offsets = offsets;
    this.#partitions = partitions;
    this.#committer = committer;
    this.#events = events;
  }

  /** Commits `offsets`, if need be in the generation after the rebalance that is under way. @throws KafkaError */
  async commit(offsets: readonly OwnedOffset[], options?: CallOptions): Promise<void> {
    const deadline = this.#client.deadline("Committing", options);
    const place = this.#offsets.takePlace();
    for (let failures = 1; !(await this.#tryCommit(offsets, place, deadline)); failures++) {
      await deadline.sleep(this.#client.retryBackoffMs(failures));
      await this.#committer.settled(deadline);
    }
    for (const offset of offsets) this.#partitions.get(offset)?.markCommitted(offset.offset);
    if (offsets.length > 0) this.#events.emit("commit", { offsets: offsets.map(toTell) });
  }

  /** Returns whether it is done, or is to be tried again. */
  async #tryCommit(offsets: readonly OwnedOffset[], place: number, deadline: Deadline): Promise<boolean> {
    let identity: MemberIdentity | undefined;
    const committer = () => {
      const foreign = offsets.find((offset) => !this.#committer.mayCommit(offset));
      if (foreign !== undefined) throw notOwned(foreign);
      const who = this.#committer.identity();
      identity = who;
      return who;
    };
    try {
      const { signal, remainingMs: timeoutMs } = deadline;
      const call = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
      await this.#offsets.commit(offsets, place, committer, call);
      return true;
    } catch (cause) {
      const error = toKafkaError(cause);
      const isOfMembership = identity !== undefined && MEMBERSHIP_ERRORS.has(error.errno);
      if (isOfMembership && this.#committer.onRefused(error, identity!) && !deadline.isOver) return false;
      throw error;
    }
  }

  /** Commits what was handed out, and takes it for processed. @throws KafkaError */
  async commitHandedOut(options?: CallOptions): Promise<void> {
    for (const state of this.#partitions) if (state.position !== undefined) state.markProcessed();
    await this.commit(this.#processed(), options);
  }

  /** Commits what is processed and not yet committed; a failure is an event. */
  async commitProcessed(timeoutMs: number): Promise<void> {
    const offsets = this.#processed();
    await this.commit(offsets, { timeoutMs }).catch((cause: unknown) => {
      const error = toKafkaError(cause);
      const told = offsets.map(toTell);
      const { code, message } = error;
      this.#client.runtime.logger.warn("offsets were not committed", { code, error: message, offsets: told });
      this.#events.emit("commitFailed", { offsets: told, error });
    });
  }

  /** Commits what is processed every `intervalMs` from now on. */
  startAutomatic(intervalMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#client.runtime.timers.schedule(intervalMs, () => {
      this.startAutomatic(intervalMs);
      void this.#commitAutomatically(intervalMs);
    });
  }

  stopAutomatic(): void {
    this.#timer?.cancel();
  }

  async #commitAutomatically(intervalMs: number): Promise<void> {
    if (this.#isAutomaticUnderWay || this.#processed().length === 0) return;
    this.#isAutomaticUnderWay = true;
    await this.commitProcessed(intervalMs);
    this.#isAutomaticUnderWay = false;
  }

  #processed(): OwnedOffset[] {
    return [...this.#partitions].flatMap((state) => {
      const { topic, partition, uncommitted } = state;
      return uncommitted === undefined ? [] : [{ topic, partition, ...uncommitted, owner: state }];
    });
  }
}

/** Without what is nobody's business but ours. */
function toTell({ owner: _, ...offset }: OwnedOffset): OffsetToCommit {
  return offset;
}
