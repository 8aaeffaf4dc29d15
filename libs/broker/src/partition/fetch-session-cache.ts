import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Clock, Random } from "@ottla/runtime";
import { type FetchedPartition, FetchSession, type PartitionNews } from "./fetch-session.ts";
import type { StirredPartitions } from "./stirred-partitions.ts";

/** As Kafka: a session that nobody used this long makes room, and a younger one gives way to none of its kind. */
export const SESSION_EVICTION_MS = 120_000;

/** No more partitions are remembered than this, in all sessions together: a bound of memory, in a few hundred bytes each. */
export const CACHED_PARTITIONS_MAX = 500_000;

/** Session ids and epochs with a meaning of their own (KIP-227). */
const NO_SESSION_ID = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const SESSION_ID_MAX = 0x7fffffff;

/** What a request says of its session. */
export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly isFromFollower: boolean;
  /** The partitions that it names, each once. */
  readonly partitions: readonly FetchedPartition[];
  readonly forgotten: readonly {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: readonly number[];
  }[];
}

/** What of an answer leaves, and under which session. */
export interface SessionAnswer<Result> {
  readonly errorCode: number;
  readonly sessionId: number;
  readonly results: readonly Result[];
}

/** A partition's part of an answer. */
export interface SessionResult {
  readonly fetched: FetchedPartition;
  readonly news: PartitionNews;
}

/** One fetch as its session makes it: what to read, and what of it to tell. */
export interface FetchContext {
  readonly partitions: readonly FetchedPartition[];
  /** Those of them that are not at rest; null where nobody keeps them apart. */
  readonly stirred: StirredPartitions | null;
  answer<Result extends SessionResult>(results: readonly Result[]): SessionAnswer<Result>;
}

/**
 * The fetch sessions of a broker. There are at most `slotsMax`; a new one takes the place of one that is stale, or of a
 * smaller one that has had its time, or is declined: a client without a session names everything in every fetch.
 */
export class FetchSessionCache {
  readonly #slotsMax: () => number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new Map<number, FetchSession>();
  #partitionsCount = 0;

  constructor(options: { readonly slotsMax: () => number; readonly clock: Clock; readonly random: Random }) {
    this.#slotsMax = options.slotsMax;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Sessions that are kept now. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Partitions in all of them. */
  get partitionsCount(): number {
    return this.#partitionsCount;
  }

  /** @throws KafkaError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR */
  open(request: SessionRequest): FetchContext {
    const { sessionId, sessionEpoch, partitions } = request;
    if (sessionEpoch !== INITIAL_EPOCH && sessionEpoch !== FINAL_EPOCH) return this.#goOn(request);
    const former = this.#sessions.get(sessionId);
    if (former !== undefined) this.#remove(former);
    return sessionEpoch === FINAL_EPOCH ? standalone(partitions) : this.#first(request);
  }

  /** A full fetch that asks for a session: it begins with the answer. */
  #first(request: SessionRequest): FetchContext {
    const { partitions } = request;
    return {
      partitions,
      stirred: null,
      answer: (results) => {
        const session = this.#create(request);
        session?.fetchMore(partitions);
        for (const result of results) session?.takeNews(result.fetched, result.news);
        return { errorCode: ErrorCode.NONE, sessionId: session?.id ?? NO_SESSION_ID, results };
      },
    };
  }

  #goOn(request: SessionRequest): FetchContext {
    const session = this.#find(request);
    const countBefore = session.partitionsCount;
    session.fetchMore(request.partitions);
    for (const topic of request.forgotten) session.forget(topic, topic.partitions);
    this.#partitionsCount += session.partitionsCount - countBefore;
    if (session.partitionsCount === 0) {
      this.#remove(session);
      return standalone(request.partitions);
    }
    if (this.#partitionsCount > CACHED_PARTITIONS_MAX) {
      this.#remove(session);
      throw KafkaError.fromCode(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    session.lastUsedMs = this.#clock.monotonicMs();
    session.advanceEpoch();
    const { epoch } = session;
    let partitions: readonly FetchedPartition[] | null = null;
    return {
      // Who looks at those alone that are not at rest does without the list.
      get partitions() {
        partitions ??= session.partitions();
        return partitions;
      },
      stirred: session.stirred,
      answer: (results) => answerOf(session, epoch, results),
    };
  }

  #find({ sessionId, sessionEpoch, usesTopicIds }: SessionRequest): FetchSession {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw KafkaError.fromCode(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== sessionEpoch) throw KafkaError.fromCode(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== usesTopicIds) throw KafkaError.fromCode(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    return session;
  }

  #create({ partitions, isFromFollower, usesTopicIds }: SessionRequest): FetchSession | null {
    const nowMs = this.#clock.monotonicMs();
    if (this.#partitionsCount + partitions.length > CACHED_PARTITIONS_MAX) return null;
    if (this.#sessions.size >= this.#slotsMax() && !this.#makeRoom(isFromFollower, partitions.length, nowMs))
      return null;
    const session = new FetchSession({ id: this.#newId(), isPrivileged: isFromFollower, usesTopicIds, nowMs });
    this.#sessions.set(session.id, session);
    this.#partitionsCount += partitions.length;
    return session;
  }

  /** Ids are random, so that a client of an earlier life of this broker does not meet a stranger's session. */
  #newId(): number {
    for (;;) {
      const id = 1 + this.#random.nextInt(SESSION_ID_MAX - 1);
      if (!this.#sessions.has(id)) return id;
    }
  }

  /** Gives up a session for one of `partitionsCount`: a stale one, else the least of those that may go, if it is smaller. */
  #makeRoom(isPrivileged: boolean, partitionsCount: number, nowMs: number): boolean {
    const sessions = [...this.#sessions.values()];
    const stale = least(sessions, (a, b) => a.lastUsedMs - b.lastUsedMs);
    if (stale === undefined) return false;
    if (nowMs - stale.lastUsedMs > SESSION_EVICTION_MS) {
      this.#remove(stale);
      return true;
    }
    const evictable = sessions.filter((session) => hadItsTime(session) || (isPrivileged && !session.isPrivileged));
    const candidate = least(evictable, compareWorth);
    if (candidate === undefined || compareWorth({ isPrivileged, partitionsCount, id: 0 }, candidate) < 0) return false;
    this.#remove(candidate);
    return true;
  }

  #remove(session: FetchSession): void {
    this.#sessions.delete(session.id);
    this.#partitionsCount -= session.partitionsCount;
  }
}

/** A fetch without a session. */
function standalone(partitions: readonly FetchedPartition[]): FetchContext {
  return {
    partitions,
    stirred: null,
    answer: (results) => ({ errorCode: ErrorCode.NONE, sessionId: NO_SESSION_ID, results }),
  };
}

/** What is news to the session's client. Another request may have overtaken this one: then it is answered, not this. */
function answerOf<Result extends SessionResult>(
  session: FetchSession,
  epoch: number,
  results: readonly Result[],
): SessionAnswer<Result> {
  if (session.epoch !== epoch) {
    return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, results: [] };
  }
  const news = results.filter((result) => session.takeNews(result.fetched, result.news));
  return { errorCode: ErrorCode.NONE, sessionId: session.id, results: news };
}

type Worth = Pick<FetchSession, "isPrivileged" | "partitionsCount" | "id">;

/** Followers before consumers, larger sessions before smaller ones. */
function compareWorth(a: Worth, b: Worth): number {
  if (a.isPrivileged !== b.isPrivileged) return a.isPrivileged ? 1 : -1;
  return a.partitionsCount - b.partitionsCount || a.id - b.id;
}

function hadItsTime({ createdMs, lastUsedMs }: FetchSession): boolean {
  return lastUsedMs - createdMs > SESSION_EVICTION_MS;
}

function least<Item>(items: readonly Item[], compare: (a: Item, b: Item) => number): Item | undefined {
  let found = items[0];
  for (const item of items) if (compare(item, found!) < 0) found = item;
  return found;
}
