import type { BrokerImage } from "@ottla/metadata";
import { ErrorCode, type FetchRequestPartition, KafkaError } from "@ottla/protocol";
import type { LogRead, LogReadOptions, PartitionLog, ReadLimit } from "@ottla/storage";
import type { LeaderThrottle } from "../replication/throttle.ts";
import type { FetchedPartition } from "./fetch-session.ts";
import type { FollowerFetch } from "./follower-progress.ts";
import { NO_LEADER_EPOCH, type Partition } from "./partition.ts";
import { errnoOf } from "./partition-error.ts";

/** One partition of a fetch: where to read, and how much. */
export interface FetchTarget {
  readonly fetched: FetchedPartition;
  /** What `fetched` says now: a session takes over what later requests say. */
  readonly query: FetchRequestPartition;
  /** The topic's name, also where the request names it by its id; undefined where there is none. */
  readonly name: string | undefined;
  readonly found: Partition | MissingPartition;
  /** The error where it is deleted meanwhile. */
  readonly deletedErrno: number;
  /** Who reads. */
  readonly reader: FetchReader;
}

/** A partition that this broker does not host. */
export class MissingPartition {
  readonly errno: number;
  /** Whether the cluster has no such partition: as in Kafka its error waits for the others' records. */
  readonly isUnknown: boolean;

  constructor(errno: number, isUnknown: boolean) {
    this.errno = errno;
    this.isUnknown = isUnknown;
  }
}

/** Undefined where this broker does not host it. */
export function hostedPartition({ found }: FetchTarget): Partition | undefined {
  return found instanceof MissingPartition ? undefined : found;
}

/** A broker that has a replica: it tells by its fetch how far it has come. */
export interface FollowerReader {
  readonly kind: "follower";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The broker as the metadata had it when it asked. */
  readonly registration: BrokerImage | undefined;
}

/** A consumer may be content with any replica (KIP-392), or where it names the leader epoch of today. */
export interface ConsumerReader {
  readonly kind: "consumer";
  readonly contentWithFollower: "never" | "of this epoch" | "always";
}

export type FetchReader = FollowerReader | ConsumerReader;

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
        divergingEpoch !== null || preferredReadReplica >= 0 || (errno !== ErrorCode.NONE && !isUnknown(target)),
    );
  }

  /** Whether the logs still are where they were: reading them again would say nothing else. */
  get isCurrent(): boolean {
    return this.outcomes.every(({ target: { found }, read }) => {
      if (read === null || found instanceof MissingPartition) return false;
      const { log } = found;
      return (
        log.highWatermark === read.highWatermark &&
        log.lastStableOffset === read.lastStableOffset &&
        log.logStartOffset === read.logStartOffset
      );
    });
  }

  release(): void {
    for (const { read } of this.outcomes) read?.release();
  }
}

/** A fetch keeps so many threads busy at the most: others read and write too. */
const READS_AT_ONCE_MAX = 4;

/**
 * Reads the partitions in the order of the request until `maxBytes` are full. The first batch found is given even when
 * it is larger than every limit, so that a reader always gets on (KIP-74). Once there is one, partitions that fit
 * whatever is found in them are read from disk side by side.
 * @param isFirst false when the same fetch is read again after a wait: it says nothing new of its follower then
 */
export async function readPartitions(
  targets: readonly FetchTarget[],
  options: FetchReadOptions,
  isFirst: boolean,
): Promise<FetchResult> {
  const outcomes: FetchOutcome[] = [];
  let leftBytes = options.maxBytes;
  let anythingRead = false;
  while (outcomes.length < targets.length) {
    const end = outcomes.length + (anythingRead ? fittingTogether(targets, outcomes.length, leftBytes) : 1);
    const reads: (FetchOutcome | Promise<FetchOutcome>)[] = [];
    for (let index = outcomes.length; index < end; index++) {
      const target = targets[index]!;
      const maxBytes = Math.min(partitionMaxBytes(target), leftBytes);
      const reach = { limit: options.limit, maxBytes, minOneBatch: !anythingRead };
      reads.push(readPartition(target, options, reach, isFirst));
    }
    for (const read of reads) {
      const outcome = read instanceof Promise ? await read : read;
      const sizeBytes = outcome.read?.sizeBytes ?? 0;
      leftBytes = Math.max(leftBytes - sizeBytes, 0);
      anythingRead ||= sizeBytes > 0;
      outcomes.push(outcome);
    }
  }
  return new FetchResult(outcomes);
}

/** How many partitions from `start` on have room together, however much each of them gives; one at the least. */
function fittingTogether(targets: readonly FetchTarget[], start: number, leftBytes: number): number {
  const countMax = Math.min(targets.length - start, READS_AT_ONCE_MAX);
  let count = 0;
  for (let bytes = 0; count < countMax; count++) {
    bytes += partitionMaxBytes(targets[start + count]!);
    if (bytes > leftBytes) break;
  }
  return Math.max(count, 1);
}

function partitionMaxBytes({ query }: FetchTarget): number {
  return Math.max(query.partitionMaxBytes, 0);
}

function isUnknown({ found }: FetchTarget): boolean {
  return found instanceof MissingPartition && found.isUnknown;
}

/** Never throws or rejects: what fails is this partition's outcome alone. */
function readPartition(
  target: FetchTarget,
  options: FetchReadOptions,
  reach: LogReadOptions,
  isFirst: boolean,
): FetchOutcome | Promise<FetchOutcome> {
  try {
    const partition = readable(target);
    const { log } = partition;
    const divergingEpoch = divergence(log, target.query);
    if (divergingEpoch === null && isFirst) noteFollower(partition, target);
    const preferredReadReplica = betterReplica(partition, target, options);
    if (divergingEpoch !== null || preferredReadReplica >= 0) {
      return { target, errno: ErrorCode.NONE, read: positionsOf(log), divergingEpoch, preferredReadReplica };
    }
    const isHeld = isHeldBack(partition, target, options);
    const read = log.read(target.query.fetchOffset, isHeld ? { ...reach, ...NOTHING } : reach);
    if (!(read instanceof Promise)) return found(target, partition, options, read);
    return read.then(
      (later) => found(target, partition, options, later),
      (error) => failed(target, error),
    );
  } catch (error) {
    return failed(target, error);
  }
}

function found(target: FetchTarget, partition: Partition, { throttle }: FetchReadOptions, read: LogRead): FetchOutcome {
  const { reader } = target;
  if (reader.kind === "follower") throttle.sent(partition, reader.brokerId, read.sizeBytes);
  return { target, errno: ErrorCode.NONE, read, divergingEpoch: null, preferredReadReplica: NO_OTHER_REPLICA };
}

function failed(target: FetchTarget, error: unknown): FetchOutcome {
  const errno = errnoOf(error);
  return { target, errno, read: null, divergingEpoch: null, preferredReadReplica: NO_OTHER_REPLICA };
}

const NOTHING = { maxBytes: 0, minOneBatch: false } as const;

/** A read of nothing: where the log begins, and what is committed. */
function positionsOf({ highWatermark, lastStableOffset, logStartOffset }: PartitionLog): LogRead {
  const nothing = { chunks: [], sizeBytes: 0, abortedTransactions: [], release: () => {} };
  return { ...nothing, highWatermark, lastStableOffset, logStartOffset };
}

function betterReplica(partition: Partition, { reader, query }: FetchTarget, { preferred }: FetchReadOptions): number {
  if (preferred === null || reader.kind !== "consumer" || !partition.isLeader) return NO_OTHER_REPLICA;
  const best = preferred(partition, query.fetchOffset);
  return best === partition.leaderId ? NO_OTHER_REPLICA : best;
}

function isHeldBack(partition: Partition, { reader }: FetchTarget, { throttle }: FetchReadOptions): boolean {
  return reader.kind === "follower" && throttle.holdsBack(partition, reader.brokerId);
}

function readable(target: FetchTarget): Partition {
  const { found, deletedErrno } = target;
  if (found instanceof MissingPartition) throw KafkaError.fromCode(found.errno);
  const errno = found.isClosed ? closedErrno(found, deletedErrno) : checkReader(found, target);
  if (errno !== ErrorCode.NONE) throw KafkaError.fromCode(errno);
  return found;
}

/** One that is not deleted is elsewhere, or back in a moment: who looks again finds it. */
function closedErrno({ isDeleted }: Partition, deletedErrno: number): number {
  return isDeleted ? deletedErrno : ErrorCode.NOT_LEADER_OR_FOLLOWER;
}

function leaderEpochOf({ currentLeaderEpoch }: FetchRequestPartition): number {
  return Math.max(currentLeaderEpoch, NO_LEADER_EPOCH);
}

function isContentWithFollower(reader: FetchReader, query: FetchRequestPartition): boolean {
  if (reader.kind === "follower" || reader.contentWithFollower === "never") return false;
  return reader.contentWithFollower === "always" || query.currentLeaderEpoch >= 0;
}

/**
 * What a follower has beyond its high watermark may still be cut off: its consumers come back for it. For what it does not
 * have at all they turn to the leader.
 */
function checkReader(partition: Partition, { reader, query }: FetchTarget): number {
  if (partition.isLeader || !isContentWithFollower(reader, query)) {
    return partition.checkLeaderEpoch(leaderEpochOf(query));
  }
  const errno = partition.checkEpoch(leaderEpochOf(query));
  if (errno !== ErrorCode.NONE) return errno;
  const { highWatermark, logEndOffset } = partition.log;
  if (query.fetchOffset > logEndOffset) return ErrorCode.OFFSET_OUT_OF_RANGE;
  return query.fetchOffset > highWatermark ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.NONE;
}

function noteFollower(partition: Partition, { reader, query }: FetchTarget): void {
  if (reader.kind !== "follower") return;
  const { brokerId, brokerEpoch } = reader;
  const { fetchOffset, logStartOffset } = query;
  const currentLeaderEpoch = leaderEpochOf(query);
  const fetch: FollowerFetch = { brokerId, brokerEpoch, fetchOffset, logStartOffset, currentLeaderEpoch };
  partition.followerFetched(fetch);
}

/** Whether what the reader has up to its fetch offset is no part of this log: it has to truncate first. */
function divergence(
  log: PartitionLog,
  { fetchOffset, lastFetchedEpoch }: FetchRequestPartition,
): FetchOutcome["divergingEpoch"] {
  if (lastFetchedEpoch < 0) return null;
  const end = log.endOffsetForEpoch(lastFetchedEpoch);
  // Who wants what is deleted has to begin anew, wherever the two part.
  if (end === null || fetchOffset < log.logStartOffset) throw KafkaError.fromCode(ErrorCode.OFFSET_OUT_OF_RANGE);
  const { leaderEpoch: epoch, endOffset } = end;
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : null;
}
