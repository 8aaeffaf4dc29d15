import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { LogRead, PartitionLog, ReadLimit } from "@ottla/storage";
import type { LeaderThrottle } from "../replication/throttle.ts";
import type { FollowerFetch } from "./follower-progress.ts";
import type { Partition } from "./partition.ts";
import { errnoOf } from "./partition-error.ts";

/** One partition of a fetch: where to read, and how much. `partition` is absent where this broker does not host it. */
export interface FetchTarget {
  readonly topic: string;
  readonly topicId: string;
  /** The topic's name, also where the request names it by its id; undefined where there is none. */
  readonly name: string | undefined;
  readonly index: number;
  readonly partition: Partition | undefined;
  /** The error where `partition` is absent. */
  readonly missingErrno: number;
  /** Whether the cluster has no such partition: as in Kafka its error waits for the others' records. */
  readonly isUnknown: boolean;
  /** The error where it is deleted meanwhile. */
  readonly deletedErrno: number;
  readonly fetchOffset: number;
  /** The epoch of the last record that the reader has, or -1 (KIP-595). */
  readonly lastFetchedEpoch: number;
  readonly currentLeaderEpoch: number;
  readonly maxBytes: number;
  /** Who reads. */
  readonly reader: FetchReader;
}

/** A follower tells by its fetch how far it has come; a consumer may be content with any replica (KIP-392). */
export type FetchReader =
  | {
      readonly kind: "follower";
      readonly brokerId: number;
      readonly brokerEpoch: number;
      readonly logStartOffset: number;
    }
  | { readonly kind: "consumer"; readonly isContentWithFollower: boolean };

/** What one partition gave: records, or an error. */
export interface FetchOutcome {
  readonly target: FetchTarget;
  readonly errno: number;
  readonly read: LogRead | null;
  /** Where the reader's log parts from this one, where it does. */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
  /** Where the reader should read instead, or -1; then there are no records. */
  readonly preferredReadReplica: number;
}

const NO_OTHER_REPLICA = -1;

export interface FetchReadOptions {
  readonly maxBytes: number;
  readonly limit: ReadLimit;
  /** False when the same fetch is read again after a wait: it says nothing new of its follower then. */
  readonly isFirst: boolean;
  readonly throttle: LeaderThrottle;
  /** The replica that a consumer should read from; null where that is the leader, always. */
  readonly preferred: ((partition: Partition, fetchOffset: number) => number) | null;
}

/** All partitions of one fetch, read. Their bytes are borrowed until `release`. */
export class FetchResult {
  readonly outcomes: readonly FetchOutcome[];
  readonly sizeBytes: number;
  /** Whether to answer at once: a partition has an error to act on, or its reader has to truncate first. */
  readonly isFinal: boolean;

  constructor(outcomes: readonly FetchOutcome[]) {
    this.outcomes = outcomes;
    this.sizeBytes = outcomes.reduce((sum, { read }) => sum + (read?.sizeBytes ?? 0), 0);
    this.isFinal = outcomes.some(
      ({ target, errno, divergingEpoch, preferredReadReplica }) =>
        divergingEpoch !== null || preferredReadReplica >= 0 || (errno !== ErrorCode.NONE && !target.isUnknown),
    );
  }

  release(): void {
    for (const { read } of this.outcomes) read?.release();
  }
}

/**
 * Reads the partitions in the order of the request until `maxBytes` are full. The first batch found is given even when
 * it is larger than every limit, so that a reader always gets on (KIP-74).
 */
export async function readPartitions(targets: readonly FetchTarget[], options: FetchReadOptions): Promise<FetchResult> {
  const outcomes: FetchOutcome[] = [];
  let leftBytes = options.maxBytes;
  let anythingRead = false;
  for (const target of targets) {
    const pending = readPartition(target, {
      ...options,
      maxBytes: Math.max(Math.min(target.maxBytes, leftBytes), 0),
      minOneBatch: !anythingRead,
    });
    const outcome = pending instanceof Promise ? await pending : pending;
    const sizeBytes = outcome.read?.sizeBytes ?? 0;
    leftBytes -= sizeBytes;
    anythingRead ||= sizeBytes > 0;
    outcomes.push(outcome);
  }
  return new FetchResult(outcomes);
}

interface PartitionReadOptions extends FetchReadOptions {
  readonly minOneBatch: boolean;
}

/** Never throws or rejects: what fails is this partition's outcome alone. */
function readPartition(target: FetchTarget, options: PartitionReadOptions): FetchOutcome | Promise<FetchOutcome> {
  const none = {
    target,
    errno: ErrorCode.NONE,
    read: null,
    divergingEpoch: null,
    preferredReadReplica: NO_OTHER_REPLICA,
  };
  const failed = (error: unknown): FetchOutcome => ({ ...none, errno: errnoOf(error) });
  try {
    const partition = readable(target);
    const { log } = partition;
    const divergingEpoch = divergence(log, target);
    if (divergingEpoch === null && options.isFirst) noteFollower(partition, target);
    const preferredReadReplica = betterReplica(partition, target, options);
    const found = (read: LogRead): FetchOutcome => {
      if (target.reader.kind === "follower") options.throttle.sent(partition, target.reader.brokerId, read.sizeBytes);
      return { ...none, read, divergingEpoch, preferredReadReplica };
    };
    if (divergingEpoch !== null || preferredReadReplica >= 0) return found(positionsOf(log));
    const reach = isHeldBack(partition, target, options) ? { ...options, ...NOTHING } : options;
    const read = log.read(target.fetchOffset, reach);
    return read instanceof Promise ? read.then(found, failed) : found(read);
  } catch (error) {
    return failed(error);
  }
}

const NOTHING = { maxBytes: 0, minOneBatch: false } as const;

/** A read of nothing: where the log begins, and what is committed. */
function positionsOf({ highWatermark, lastStableOffset, logStartOffset }: PartitionLog): LogRead {
  const nothing = { chunks: [], sizeBytes: 0, abortedTransactions: [], release: () => {} };
  return { ...nothing, highWatermark, lastStableOffset, logStartOffset };
}

function betterReplica(
  partition: Partition,
  { reader, fetchOffset }: FetchTarget,
  { preferred }: FetchReadOptions,
): number {
  if (preferred === null || reader.kind !== "consumer" || !reader.isContentWithFollower || !partition.isLeader) {
    return NO_OTHER_REPLICA;
  }
  const best = preferred(partition, fetchOffset);
  return best === partition.leaderId ? NO_OTHER_REPLICA : best;
}

function isHeldBack(partition: Partition, { reader }: FetchTarget, { throttle }: FetchReadOptions): boolean {
  return reader.kind === "follower" && throttle.holdsBack(partition, reader.brokerId);
}

function readable({ partition, missingErrno, deletedErrno, ...target }: FetchTarget): Partition {
  if (partition === undefined) throw KafkaError.fromCode(missingErrno);
  const errno = partition.isClosed ? deletedErrno : checkReader(partition, target);
  if (errno !== ErrorCode.NONE) throw KafkaError.fromCode(errno);
  return partition;
}

/** What a follower has beyond its high watermark may still be cut off: its consumers come back for it. */
function checkReader(
  partition: Partition,
  { reader, currentLeaderEpoch, fetchOffset }: Pick<FetchTarget, "reader" | "currentLeaderEpoch" | "fetchOffset">,
): number {
  if (partition.isLeader || reader.kind === "follower" || !reader.isContentWithFollower) {
    return partition.checkLeaderEpoch(currentLeaderEpoch);
  }
  const errno = partition.checkEpoch(currentLeaderEpoch);
  if (errno !== ErrorCode.NONE) return errno;
  return fetchOffset > partition.log.highWatermark ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.NONE;
}

function noteFollower(partition: Partition, { reader, fetchOffset, currentLeaderEpoch }: FetchTarget): void {
  if (reader.kind !== "follower") return;
  const fetch: FollowerFetch = { ...reader, fetchOffset, currentLeaderEpoch };
  partition.followerFetched(fetch);
}

/** Whether what the reader has up to its fetch offset is no part of this log: it has to truncate first. */
function divergence(log: PartitionLog, { fetchOffset, lastFetchedEpoch }: FetchTarget): FetchOutcome["divergingEpoch"] {
  if (lastFetchedEpoch < 0) return null;
  const end = log.endOffsetForEpoch(lastFetchedEpoch);
  if (end === null) throw KafkaError.fromCode(ErrorCode.OFFSET_OUT_OF_RANGE);
  const { leaderEpoch: epoch, endOffset } = end;
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : null;
}
