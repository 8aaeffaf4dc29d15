import type { CallOptions } from "@ottla/client";
import { ErrorCode, KafkaError } from "@ottla/protocol/client";
import type { MemberIdentity } from "../group/membership.ts";
import { formatPartition, type TopicPartition } from "../topic-partition.ts";
import type { OffsetRequests } from "./offset-requests.ts";
import type { CommittedOffset, OffsetToCommit } from "./offset-types.ts";

/** Commits of someone who is not a member of the group, such as a consumer with partitions assigned by hand. */
export const NO_MEMBER: MemberIdentity = { memberId: "", generationId: -1 };

/** Who commits, and over which connection if not over the coordinator's own. */
export interface CommitIdentity extends MemberIdentity {
  readonly purpose?: string;
}

/** The offsets that a group has committed. */
export class CommittedOffsets {
  readonly #load: () => Promise<OffsetRequests>;
  #requests: OffsetRequests | undefined;
  /** Commits go one after another, so that one that is tried again cannot undo a later one. */
  #lastCommit: Promise<unknown> = Promise.resolve();
  #places = 0;
  /** The place of the last commit that the group has, by partition. */
  readonly #latest = new Map<string, number>();

  /** @param load gives what asks the group's coordinator, when it is first needed */
  constructor(load: () => Promise<OffsetRequests>) {
    this.#load = load;
  }

  /**
   * The place of a new commit in the order of all. It keeps that place however often it is tried again: an attempt leaves
   * out partitions for which a later commit has been made in the meantime.
   */
  takePlace(): number {
    return ++this.#places;
  }

  /**
   * Commits `offsets` in the name of `identity`.
   * @param place from {@link takePlace}
   * @param identity asked when it is this commit's turn; may throw
   * @throws KafkaError `REBALANCE_IN_PROGRESS`, `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID` if the
   *   partitions are not (or no longer) the member's; others as Kafka's
   */
  async commit(
    offsets: readonly OffsetToCommit[],
    place: number,
    identity: () => CommitIdentity,
    options: CallOptions = {},
  ): Promise<void> {
    const isCurrent = (offset: OffsetToCommit) => (this.#latest.get(formatPartition(offset)) ?? 0) <= place;
    const commit = this.#lastCommit.then(() => this.#commitNow(offsets.filter(isCurrent), place, identity, options));
    this.#lastCommit = commit.catch(() => {});
    await commit;
  }

  async #commitNow(
    offsets: readonly OffsetToCommit[],
    place: number,
    identity: () => CommitIdentity,
    options: CallOptions,
  ): Promise<void> {
    if (offsets.length === 0) return;
    this.#requests ??= await this.#load();
    let failure: KafkaError | undefined;
    for (const { errorCode, ...offset } of await this.#requests.commit(offsets, identity, options)) {
      const partition = formatPartition(offset);
      if (errorCode === ErrorCode.NONE) this.#latest.set(partition, place);
      else failure ??= KafkaError.fromCode(errorCode, `The offset of ${partition} was not committed`);
    }
    if (failure !== undefined) throw failure;
  }

  /** What is committed for `partitions`; those without a committed offset are left out, as are unknown topics. */
  async fetch(wanted: readonly TopicPartition[], options: CallOptions = {}): Promise<CommittedOffset[]> {
    this.#requests ??= await this.#load();
    return await this.#requests.fetch(wanted, options);
  }
}
