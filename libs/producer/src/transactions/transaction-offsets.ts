/** Who commits in a group: its member, as the coordinator knows it, so that one that was put out is refused (KIP-447). */
export interface TransactionGroup {
  /** The id of the group. */
  readonly groupId: string;
  /** Empty for offsets of a group without members. */
  readonly memberId: string;
  /** The generation, in the consumer protocol the member's epoch; -1 for a group without members. */
  readonly generationId: number;
  /** Of a static member; else null. */
  readonly groupInstanceId: string | null;
}

/** An offset to commit for a partition. */
export interface TransactionOffset {
  /** The topic that was read. */
  readonly topic: string;
  /** The partition that was read. */
  readonly partition: number;
  /** The offset to go on from: that of the last processed record, plus one. */
  readonly offset: number;
  /** Epoch of the leader that took the last processed record. Default: -1, not known. */
  readonly leaderEpoch?: number;
  /** Anything that is to be kept with the offset. Default: empty. */
  readonly metadata?: string;
}

/** Offsets, and in whose name they are committed. */
export interface TransactionOffsets {
  /** In whose name the offsets are committed. */
  readonly group: TransactionGroup;
  /** What is committed of each partition. */
  readonly offsets: readonly TransactionOffset[];
}

/** Something that knows what it has handed out: Ottla's `Consumer`. */
export interface TransactionOffsetsSource {
  /** All that was handed out so far, as one snapshot with the membership it was handed out by. */
  transactionOffsets(): TransactionOffsets;
}
