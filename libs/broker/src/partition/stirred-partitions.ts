import type { FollowerReader } from "./fetch-reader.ts";
import type { FetchedPartition } from "./fetch-session.ts";
import type { Partition } from "./partition.ts";
import type { Purgatory } from "./purgatory.ts";

/**
 * How long what was at rest is taken to be at rest unless it moves. A follower is heard of no more often when all is at rest
 * (`replica.fetch.wait.max.ms`): as long it may be taken to have been there before.
 */
const LOOK_AT_ALL_MS = 500;

/** A look at all partitions. */
interface Look {
  readonly atMs: number;
  /** Who has asked. */
  readonly reader: FollowerReader;
  /** How many moves of partitions there had been. */
  readonly movesCount: number;
}

/**
 * The partitions of a follower's session that are not at rest, while the follower is far behind with some. It fetches these
 * without a wait, and to look at each of thousands that are at rest would take longer than to read what it wants. A partition
 * that moves is at rest no more at once; all are looked at now and then, and before a fetch waits.
 */
export class StirredPartitions {
  readonly #find: (partition: Partition) => FetchedPartition | undefined;
  /** In the order in which they are read. */
  #partitions = new Set<FetchedPartition>();
  /** Those that are at rest no more since the last fetch. */
  readonly #roused = new Set<FetchedPartition>();
  #look: Look | null = null;
  /** How many moves of partitions are accounted for. */
  #movesCount = 0;

  /** @param find a partition of the session */
  constructor(find: (partition: Partition) => FetchedPartition | undefined) {
    this.#find = find;
  }

  /** Null where all have to be looked at. */
  at(
    nowMs: number,
    { brokerEpoch, registration }: FollowerReader,
    purgatory: Pick<Purgatory, "movesCount" | "movedSince">,
  ): readonly FetchedPartition[] | null {
    const look = this.#look;
    if (look === null || nowMs - look.atMs >= LOOK_AT_ALL_MS) return null;
    if (look.reader.brokerEpoch !== brokerEpoch || look.reader.registration !== registration) return null;
    const moved = purgatory.movedSince(this.#movesCount);
    if (moved === null) return null;
    this.#movesCount = purgatory.movesCount;
    for (const partition of moved) this.changed(this.#find(partition));
    // Before those that have much: what moves is waited for, and is little as a rule.
    if (this.#roused.size > 0) this.#partitions = new Set([...this.#roused, ...this.#partitions]);
    this.#roused.clear();
    return [...this.#partitions];
  }

  /** All but these are at rest. */
  lookedAtAll(look: Look, stirred: Iterable<FetchedPartition>): void {
    this.#look = look;
    this.#movesCount = look.movesCount;
    this.#partitions = new Set(stirred);
    this.#roused.clear();
  }

  /** The follower is not far behind: it will wait for any partition. */
  lookAtAll(): void {
    this.#look = null;
    this.#partitions.clear();
    this.#roused.clear();
  }

  /** The follower has said something new of it, or it has moved. */
  changed(fetched: FetchedPartition | undefined): void {
    if (fetched === undefined || this.#look === null || this.#partitions.has(fetched)) return;
    this.#roused.add(fetched);
  }

  forgotten(fetched: FetchedPartition | undefined): void {
    if (fetched === undefined) return;
    this.#partitions.delete(fetched);
    this.#roused.delete(fetched);
  }

  /** Has its turn after the others. */
  moveToEnd(fetched: FetchedPartition): void {
    if (this.#partitions.delete(fetched)) this.#partitions.add(fetched);
  }
}
