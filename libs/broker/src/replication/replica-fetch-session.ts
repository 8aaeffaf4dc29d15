import type { FetchRequest, fetchApi, RequestInput } from "@ottla/protocol";

type RequestTopic = NonNullable<RequestInput<typeof fetchApi>["topics"]>[number];
type ForgottenTopic = NonNullable<RequestInput<typeof fetchApi>["forgottenTopicsData"]>[number];

/** What a follower asks its leader for. */
export interface PartitionFetch {
  /** See {@link fetchKey}. */
  readonly key: string;
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
}

/** The part of a Fetch request that says which partitions are wanted. */
export interface SessionPart extends Pick<FetchRequest, "sessionId" | "sessionEpoch"> {
  readonly topics: readonly RequestTopic[];
  readonly forgottenTopicsData: readonly ForgottenTopic[];
}

const NO_SESSION_ID = 0;
const FIRST_EPOCH = 0;
const EPOCH_MAX = 0x7fffffff;

/** How partitions are told apart. */
export function fetchKey(topicId: string, partition: number): string {
  return `${topicId}-${partition}`;
}

/**
 * The follower's side of a fetch session (KIP-227): after the first fetch it names only partitions of which something
 * has changed, and those that it wants no more.
 */
export class ReplicaFetchSession {
  #sessionId = NO_SESSION_ID;
  #epoch = FIRST_EPOCH;
  /** What the leader knows of. */
  readonly #told = new Map<string, PartitionFetch>();

  /** What the leader was asked for last of a partition. */
  told(key: string): PartitionFetch | undefined {
    return this.#told.get(key);
  }

  /** Whether the leader knows of partitions, and need be told of changes only. */
  get isUnderWay(): boolean {
    return this.#epoch !== FIRST_EPOCH;
  }

  /** The next request for exactly these partitions. What it says counts as told once it is answered without error. */
  next(wanted: readonly PartitionFetch[]): SessionPart {
    const changed = this.#tell(wanted);
    return this.#part(changed, this.#told.size > wanted.length ? this.#forget(wanted) : []);
  }

  /** The next request where those that the leader knows of are wanted still, and only of these something may have changed. */
  nextWith(stirred: readonly PartitionFetch[]): SessionPart {
    return this.#part(this.#tell(stirred), []);
  }

  /** @returns those of which the leader does not know yet what they ask for */
  #tell(wanted: readonly PartitionFetch[]): PartitionFetch[] {
    const changed: PartitionFetch[] = [];
    for (const fetch of wanted) {
      const told = this.#told.get(fetch.key);
      if (told === fetch) continue;
      if (told === undefined || !isSameFetch(told, fetch)) changed.push(fetch);
      this.#told.set(fetch.key, fetch);
    }
    return changed;
  }

  #part(changed: readonly PartitionFetch[], forgotten: readonly PartitionFetch[]): SessionPart {
    return {
      sessionId: this.#sessionId,
      sessionEpoch: this.#epoch,
      topics: byTopic(changed).map(([topicId, partitions]) => ({ topicId, partitions })),
      forgottenTopicsData: byTopic(forgotten).map(([topicId, partitions]) => ({
        topicId,
        partitions: partitions.map(({ partition }) => partition),
      })),
    };
  }

  /** Forgets all but these. */
  #forget(wanted: readonly PartitionFetch[]): PartitionFetch[] {
    const kept = new Set(wanted);
    const forgotten = Array.from(this.#told.values()).filter((fetch) => !kept.has(fetch));
    for (const { key } of forgotten) this.#told.delete(key);
    return forgotten;
  }

  /** The leader has answered: the session goes on, or there is none. */
  answered(sessionId: number): void {
    if (sessionId === NO_SESSION_ID) {
      this.reset();
      return;
    }
    this.#epoch = sessionId === this.#sessionId ? nextEpoch(this.#epoch) : FIRST_EPOCH + 1;
    this.#sessionId = sessionId;
  }

  /** Nobody knows what the leader knows: the next fetch names everything and asks for a new session. */
  reset(): void {
    this.#epoch = FIRST_EPOCH;
    this.#told.clear();
  }
}

function nextEpoch(epoch: number): number {
  return epoch === EPOCH_MAX ? FIRST_EPOCH + 1 : epoch + 1;
}

/** Whether they ask for the same of one partition. */
export function isSameFetch(told: PartitionFetch, fetch: PartitionFetch): boolean {
  return (
    told.fetchOffset === fetch.fetchOffset &&
    told.currentLeaderEpoch === fetch.currentLeaderEpoch &&
    told.lastFetchedEpoch === fetch.lastFetchedEpoch &&
    told.logStartOffset === fetch.logStartOffset &&
    told.partitionMaxBytes === fetch.partitionMaxBytes
  );
}

function byTopic(fetches: readonly PartitionFetch[]): [topicId: string, partitions: PartitionFetch[]][] {
  const topics = new Map<string, PartitionFetch[]>();
  for (const fetch of fetches) {
    const partitions = topics.get(fetch.topicId);
    if (partitions === undefined) topics.set(fetch.topicId, [fetch]);
    else partitions.push(fetch);
  }
  return [...topics];
}
