import type { FetchRequestPartition } from "@ottla/protocol";
import type { RestingReplica } from "./resting-replica.ts";
import { StirredPartitions } from "./stirred-partitions.ts";

/** A partition that a fetch reads: its topic by name or, since v13, by id, and what the client said of it. */
export interface FetchedPartition {
  /** See {@link partitionKey}. */
  readonly key: string;
  readonly topic: string;
  readonly topicId: string;
  readonly query: FetchRequestPartition;
  /** What is known of it where a follower fetches it again and again, and there is nothing. */
  resting: RestingReplica | null;
}

/** A partition of a session, and what its client was told of it last. */
interface CachedPartition extends FetchedPartition {
  query: FetchRequestPartition;
  highWatermark: number;
  logStartOffset: number;
}

/** What one partition of an answer says, as far as sessions care. */
export interface PartitionNews {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Whether it has records, a diverging epoch or a better replica to read from. */
  readonly hasMore: boolean;
}

/** How partitions are told apart within a request or session. */
export function partitionKey({ topic, topicId }: { topic: string; topicId: string }, partition: number): string {
  return `${topic}\n${topicId}\n${partition}`;
}

const NOTHING_TOLD = -1;
const FIRST_EPOCH = 1;
const EPOCH_MAX = 0x7fffffff;

/** What one client fetches again and again (KIP-227): it names only what changes, and is told only what changed. */
export class FetchSession {
  readonly id: number;
  /** Whether a follower's: it keeps its place before consumers'. */
  readonly isPrivileged: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** Of a follower's session. */
  readonly stirred: StirredPartitions | null;
  #epoch = FIRST_EPOCH;
  /** In the order in which they are read: what had records goes to the end, so that every partition has its turn. */
  readonly #partitions = new Map<string, CachedPartition>();
  #list: readonly FetchedPartition[] | null = null;

  constructor(options: {
    readonly id: number;
    readonly isPrivileged: boolean;
    readonly usesTopicIds: boolean;
    readonly nowMs: number;
  }) {
    this.id = options.id;
    this.isPrivileged = options.isPrivileged;
    this.usesTopicIds = options.usesTopicIds;
    this.createdMs = options.nowMs;
    this.lastUsedMs = options.nowMs;
    const find = ({ topicId, partition }: { topicId: string; partition: number }) =>
      this.#partitions.get(partitionKey({ topic: "", topicId }, partition));
    this.stirred = options.isPrivileged && options.usesTopicIds ? new StirredPartitions(find) : null;
  }

  get partitionsCount(): number {
    return this.#partitions.size;
  }

  /** The epoch that the next request must have. */
  get epoch(): number {
    return this.#epoch;
  }

  /** In the order in which they are read. As long as nothing about them changes it is the same list. */
  partitions(): readonly FetchedPartition[] {
    this.#list ??= [...this.#partitions.values()];
    return this.#list;
  }

  /** Epochs wrap to 1: 0 asks for a new session. */
  advanceEpoch(): void {
    this.#epoch = this.#epoch === EPOCH_MAX ? FIRST_EPOCH : this.#epoch + 1;
  }

  /** Adds partitions, or takes over what the client says of those that are there. */
  fetchMore(partitions: Iterable<FetchedPartition>): void {
    for (const { key, topic, topicId, query } of partitions) {
      this.#list = null;
      const cached = this.#partitions.get(key);
      if (cached === undefined) {
        const told = { highWatermark: NOTHING_TOLD, logStartOffset: -1 };
        this.#partitions.set(key, { key, topic, topicId, query, resting: null, ...told });
      } else {
        // Who asks in another leader epoch has begun anew, and may not have heeded what it was told last.
        if (cached.query.currentLeaderEpoch !== query.currentLeaderEpoch) cached.highWatermark = NOTHING_TOLD;
        cached.query = query;
      }
      this.stirred?.changed(cached ?? this.#partitions.get(key));
    }
  }

  forget(topic: { readonly topic: string; readonly topicId: string }, partitions: readonly number[]): void {
    this.#list = null;
    for (const partition of partitions) {
      const key = partitionKey(topic, partition);
      this.stirred?.forgotten(this.#partitions.get(key));
      this.#partitions.delete(key);
    }
  }

  /** Whether the client has to be told; it is taken as told. */
  takeNews({ key }: FetchedPartition, news: PartitionNews): boolean {
    const cached = this.#partitions.get(key);
    if (cached === undefined) return false;
    const isFailure = news.errorCode !== 0;
    const isNew =
      isFailure ||
      news.hasMore ||
      news.highWatermark !== cached.highWatermark ||
      news.logStartOffset !== cached.logStartOffset;
    // After an error whatever comes next is news.
    cached.highWatermark = isFailure ? NOTHING_TOLD : news.highWatermark;
    cached.logStartOffset = news.logStartOffset;
    if (news.hasMore) {
      this.#list = null;
      this.#partitions.delete(key);
      this.#partitions.set(key, cached);
      this.stirred?.moveToEnd(cached);
    }
    return isNew;
  }
}
