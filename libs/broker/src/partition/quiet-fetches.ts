import type { MetadataImage } from "@ottla/metadata";
import type { ReadLimit } from "@ottla/storage";
import type { TopicTraffic } from "../metrics/traffic.ts";
import type { FetchResult } from "./fetch-reader.ts";
import type { FetchedPartition } from "./fetch-session.ts";
import { type FetchWait, haveMoved, type Mark } from "./fetch-wait.ts";
import type { Purgatory } from "./purgatory.ts";

/** What the answer to a fetch depends on besides its partitions and their logs. */
export interface QuietQuestion {
  readonly limit: ReadLimit;
  readonly image: MetadataImage;
  readonly apiVersion: number;
  readonly rackId: string;
  readonly replicaId: number;
}

/** A fetch that waited in vain, and what it read. */
export class QuietFetch {
  readonly question: QuietQuestion;
  /** The next wait for the same. */
  readonly wait: FetchWait;
  /** How many partitions of each topic it reads. */
  readonly counts: ReadonlyMap<TopicTraffic, number>;
  readonly #marks: readonly Mark[];
  /** Without bytes: nothing of it is borrowed. */
  readonly #result: FetchResult;
  readonly #purgatory: Purgatory;
  /** Up to here nothing has moved that it depends on. */
  #movesCount: number;

  /** To be made when it is known that nothing has moved. */
  constructor(options: {
    readonly question: QuietQuestion;
    readonly wait: FetchWait;
    readonly marks: readonly Mark[];
    readonly result: FetchResult;
    readonly purgatory: Purgatory;
  }) {
    this.question = options.question;
    this.wait = options.wait;
    this.#marks = options.marks;
    this.#result = options.result;
    this.#purgatory = options.purgatory;
    this.#movesCount = options.purgatory.movesCount;
    this.counts = countsOf(options.marks);
  }

  /** Whether a fetch would find the same. Partitions are looked at only where any of this broker's has moved. */
  isCurrent(): boolean {
    const { movesCount } = this.#purgatory;
    if (this.#movesCount === movesCount) return true;
    if (!this.#result.isCurrent || haveMoved(this.#marks, this.question.limit)) return false;
    this.#movesCount = movesCount;
    return true;
  }

  /** Whether it tells of each of the partitions, and of no bytes. */
  tellsOf(partitions: readonly FetchedPartition[]): boolean {
    return this.#marks.length === partitions.length && this.#result.sizeBytes === 0;
  }
}

function countsOf(marks: readonly Mark[]): Map<TopicTraffic, number> {
  const counts = new Map<TopicTraffic, number>();
  for (const { partition } of marks) counts.set(partition.traffic, (counts.get(partition.traffic) ?? 0) + 1);
  return counts;
}

/**
 * What fetches that waited in vain have found, for the next ones of their sessions: as long as nothing has moved, they
 * would find the same, and need not look. Most fetches of a broker at rest are of this kind.
 *
 * They are known by their session's list of partitions, which is another one as soon as the client asks for anything else.
 */
export class QuietFetches {
  readonly #known = new WeakMap<readonly FetchedPartition[], QuietFetch>();

  /** Takes note of a fetch of which the session's client has been told all there is. */
  remember(partitions: readonly FetchedPartition[], fetch: QuietFetch): void {
    if (fetch.tellsOf(partitions)) this.#known.set(partitions, fetch);
  }

  /** What a fetch of these partitions is bound to find; undefined where it has to look. */
  find(partitions: readonly FetchedPartition[], question: QuietQuestion): QuietFetch | undefined {
    const fetch = this.#known.get(partitions);
    // Two fetches of one session at a time: the second one looks for itself.
    if (fetch === undefined || fetch.wait.isWaiting) return undefined;
    if (isSame(fetch.question, question) && fetch.isCurrent()) return fetch;
    this.#known.delete(partitions);
    return undefined;
  }
}

function isSame(a: QuietQuestion, b: QuietQuestion): boolean {
  return (
    a.limit === b.limit &&
    a.image === b.image &&
    a.apiVersion === b.apiVersion &&
    a.rackId === b.rackId &&
    a.replicaId === b.replicaId
  );
}
