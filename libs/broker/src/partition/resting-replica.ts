import type { PartitionImage } from "@ottla/metadata";
import { type FetchOutcome, type FetchTarget, type FollowerReader, hostedPartition } from "./fetch-reader.ts";
import type { Mark } from "./fetch-wait.ts";
import type { FollowerProgress } from "./follower-progress.ts";
import type { Partition } from "./partition.ts";

/**
 * A partition of which a follower in sync has all there is, all of it committed, and has been told so. As long as nothing
 * about it changes, a fetch of it says no more than that the follower is still there: it is neither read nor answered anew.
 *
 * Most partitions of most fetches are like that, and a broker may have thousands.
 */
export class RestingReplica implements Mark {
  readonly target: FetchTarget;
  readonly partition: Partition;
  readonly visibleEnd: number;
  readonly leaderEpoch: number;
  readonly appendedBytes: number;
  readonly sawAll = true;
  readonly #reader: FollowerReader;
  /** Has the leader epoch and the ISR. */
  readonly #image: PartitionImage;
  readonly #logStartOffset: number;
  readonly #progress: FollowerProgress;

  private constructor(target: FetchTarget, partition: Partition, reader: FollowerReader, progress: FollowerProgress) {
    this.target = target;
    this.partition = partition;
    this.visibleEnd = partition.log.logEndOffset;
    this.leaderEpoch = partition.leaderEpoch;
    this.appendedBytes = partition.appendedBytes;
    this.#reader = reader;
    this.#image = partition.image;
    this.#logStartOffset = partition.log.logStartOffset;
    this.#progress = progress;
  }

  /** Null where there is more to say of what a fetch has found. To be called when the follower has been told of that. */
  static of({ target, read, divergingEpoch }: FetchOutcome): RestingReplica | null {
    const { reader, query } = target;
    const partition = hostedPartition(target);
    if (reader.kind !== "follower" || partition === undefined || read === null || divergingEpoch !== null) return null;
    const { log, image } = partition;
    const progress = partition.progressOf(reader.brokerId);
    if (progress?.logEndOffset !== query.fetchOffset || !image.isr.includes(reader.brokerId)) return null;
    // What is on its way to the file counts in `nextOffset`, and so would in `appendedBytes`.
    const hasAll = log.nextOffset === query.fetchOffset && log.highWatermark === query.fetchOffset;
    const isTold = read.highWatermark === log.highWatermark && read.logStartOffset === log.logStartOffset;
    return hasAll && isTold ? new RestingReplica(target, partition, reader, progress) : null;
  }

  /** Whether all is as it was, for a fetch by `reader`. */
  isAtRestFor({ brokerEpoch, registration }: FollowerReader): boolean {
    return brokerEpoch === this.#reader.brokerEpoch && registration === this.#reader.registration && this.isAtRest;
  }

  /** Whether all is as it was. */
  get isAtRest(): boolean {
    const { partition, target, visibleEnd } = this;
    const { log } = partition;
    return (
      target.fetched.query === target.query &&
      partition.image === this.#image &&
      partition.appendedBytes === this.appendedBytes &&
      log.logEndOffset === visibleEnd &&
      log.highWatermark === visibleEnd &&
      log.logStartOffset === this.#logStartOffset &&
      !partition.isClosed &&
      !partition.isOffline
    );
  }

  /** The follower has asked again. */
  fetched(nowMs: number): void {
    this.#progress.stillAtEnd(nowMs);
  }
}
