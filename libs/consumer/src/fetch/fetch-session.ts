import { ErrorCode } from "@ottla/protocol/client";

/** What is asked of a topic's partitions. */
export interface TopicQuery {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly PartitionQuery[];
}

export interface PartitionQuery {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly partitionMaxBytes: number;
}

/** The part of a Fetch request that a session decides on. */
export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly TopicQuery[];
  readonly forgottenTopicsData: readonly {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: readonly number[];
  }[];
}

interface KnownPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly query: PartitionQuery;
}

/** Asks for a new session. */
const INITIAL_EPOCH = 0;
const FIRST_EPOCH = 1;
const EPOCH_MAX = 0x7fffffff;
const NO_SESSION = 0;

/** The broker cannot go on with the session; with a new one it can. */
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

/**
 * What a broker remembers of our fetches (KIP-227): a request names only partitions that are new, changed or not wanted
 * any more, and the answer only those that have something to tell. One request is under way at a time.
 */
export class FetchSession {
  #id = NO_SESSION;
  #epoch = INITIAL_EPOCH;
  /** What the broker knows, once it has answered. */
  readonly #known = new Map<string, KnownPartition>();

  /** The next request, that reads `wanted` and nothing else. */
  next(wanted: readonly TopicQuery[]): SessionRequest {
    const isFull = this.#epoch === INITIAL_EPOCH;
    if (isFull) this.#known.clear();
    const gone = new Map(this.#known);
    const topics = wanted
      .map((topic) => ({ ...topic, partitions: topic.partitions.filter((query) => this.#learn(topic, query, gone)) }))
      .filter(({ partitions }) => partitions.length > 0);
    for (const key of gone.keys()) this.#known.delete(key);
    return { sessionId: this.#id, sessionEpoch: this.#epoch, topics, forgottenTopicsData: byTopic(gone.values()) };
  }

  /** The request was answered, by a broker that calls the session so; zero if it does not keep one. */
  answered(sessionId: number): void {
    if (sessionId === NO_SESSION) this.#begin(NO_SESSION);
    else if (this.#epoch === INITIAL_EPOCH) {
      this.#id = sessionId;
      this.#epoch = FIRST_EPOCH;
    } else {
      this.#epoch = this.#epoch === EPOCH_MAX ? FIRST_EPOCH : this.#epoch + 1;
    }
  }

  /**
   * The request failed: whether the broker has taken it in is not known, so the next one asks for a new session in place of
   * this one. @returns whether that is all it takes
   */
  failed(errno: number): boolean {
    const wasFull = this.#epoch === INITIAL_EPOCH;
    this.#begin(errno === ErrorCode.FETCH_SESSION_ID_NOT_FOUND ? NO_SESSION : this.#id);
    return SESSION_ERRORS.has(errno) && !wasFull;
  }

  #begin(id: number): void {
    this.#id = id;
    this.#epoch = INITIAL_EPOCH;
  }

  /** Whether the broker has to be told of this; takes it out of `gone`. */
  #learn({ topic, topicId }: TopicQuery, query: PartitionQuery, gone: Map<string, KnownPartition>): boolean {
    const key = `${topicId} ${topic} ${query.partition}`;
    const known = this.#known.get(key);
    gone.delete(key);
    if (known !== undefined && isSame(known.query, query)) return false;
    this.#known.set(key, { topic, topicId, query });
    return true;
  }
}

function isSame(a: PartitionQuery, b: PartitionQuery): boolean {
  return (
    a.fetchOffset === b.fetchOffset &&
    a.currentLeaderEpoch === b.currentLeaderEpoch &&
    a.partitionMaxBytes === b.partitionMaxBytes
  );
}

function byTopic(partitions: Iterable<KnownPartition>): SessionRequest["forgottenTopicsData"] {
  const topics = new Map<string, { topic: string; topicId: string; partitions: number[] }>();
  for (const { topic, topicId, query } of partitions) {
    const key = `${topicId} ${topic}`;
    const entry = topics.get(key) ?? { topic, topicId, partitions: [] };
    topics.set(key, entry);
    entry.partitions.push(query.partition);
  }
  return [...topics.values()];
}
