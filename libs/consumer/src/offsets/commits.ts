import type { CallOptions } from "@ottla/client";
import { toKafkaError } from "@ottla/client/internal";
import { ErrorCode, type KafkaError } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import type { EventHub } from "../events.ts";
import type { MemberIdentity } from "../group/membership.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import type { OffsetToCommit } from "./offset-types.ts";

/** In whose name commits are made. */
export interface Committer {
  /** @throws KafkaError while nothing can be committed */
  identity(): MemberIdentity;
  /** The coordinator does not take this member for what it says it is. */
  onRefused(error: KafkaError, identity: MemberIdentity): void;
}

/** Errors that say something about the membership, not about the offsets. */
const MEMBERSHIP_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
]);

/** Commits: what the user asks for, and processed offsets by itself. */
export class Commits<K, V> {
  readonly #runtime: Runtime;
  readonly #offsets: CommittedOffsets;
  readonly #partitions: AssignedPartitions<K, V>;
  readonly #committer: Committer;
  readonly #events: EventHub;
  #timer: Timer | undefined;
  #isAutomaticUnderWay = false;

  constructor(
    runtime: Runtime,
    offsets: CommittedOffsets,
    partitions: AssignedPartitions<K, V>,
    committer: Committer,
    events: EventHub,
  ) {
    this.#runtime = runtime;
    this.#offsets = offsets;
    this.#partitions = partitions;
    this.#committer = committer;
    this.#events = events;
  }

  /** Commits `offsets`. @throws KafkaError */
  async commit(offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<void> {
    let identity: MemberIdentity | undefined;
    const committer = () => {
      identity = this.#committer.identity();
      return identity;
    };
    try {
      await this.#offsets.commit(offsets, committer, options);
    } catch (cause) {
      const error = toKafkaError(cause);
      if (identity !== undefined && MEMBERSHIP_ERRORS.has(error.errno)) this.#committer.onRefused(error, identity);
      throw error;
    }
    for (const offset of offsets) this.#partitions.get(offset)?.markCommitted(offset.offset);
    if (offsets.length > 0) this.#events.emit("commit", { offsets });
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
      this.#runtime.logger.warn("offsets were not committed", { code: error.code, error: error.message, offsets });
      this.#events.emit("commitFailed", { offsets, error });
    });
  }

  /** Commits what is processed every `intervalMs` from now on. */
  startAutomatic(intervalMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#runtime.timers.schedule(intervalMs, () => {
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

  #processed(): OffsetToCommit[] {
    return [...this.#partitions].flatMap(({ topic, partition, uncommitted }) =>
      uncommitted === undefined ? [] : [{ topic, partition, ...uncommitted }],
    );
  }
}
