import type { MetadataImage } from "@ottla/metadata";
import type { ReadLimit } from "@ottla/storage";
import type { FetchResult, FetchTarget } from "./fetch-reader.ts";
import type { FetchedPartition } from "./fetch-session.ts";
import { haveMoved, type Mark } from "./fetch-wait.ts";

/** What the answer to a fetch depends on besides its partitions and their logs. */
export interface QuietQuestion {
  readonly limit: ReadLimit;
  readonly image: MetadataImage;
  readonly apiVersion: number;
  readonly rackId: string;
  readonly replicaId: number;
}

/** A fetch that waited in vain, and what it read. */
export interface QuietFetch {
  readonly question: QuietQuestion;
  readonly targets: readonly FetchTarget[];
  readonly marks: readonly Mark[];
  /** Without bytes: nothing of it is borrowed. */
  readonly result: FetchResult;
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
    const areHosted = fetch.marks.length === partitions.length;
    if (areHosted && fetch.result.sizeBytes === 0) this.#known.set(partitions, fetch);
  }

  /** What a fetch of these partitions is bound to find; undefined where it has to look. */
  find(partitions: readonly FetchedPartition[], question: QuietQuestion): QuietFetch | undefined {
    const fetch = this.#known.get(partitions);
    if (fetch === undefined) return undefined;
    const { marks, result } = fetch;
    if (isSame(fetch.question, question) && result.isCurrent && !haveMoved(marks, question.limit)) return fetch;
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
