import type { OffsetCommitKey, OffsetCommitValue } from "@ottla/protocol/internal";
import type { Journal } from "../shard/journal.ts";
import { type CommittedOffset, committedOffset, OffsetTable, type TopicOffsets } from "./offset-table.ts";

/** Offsets outside any transaction. */
export const NO_PRODUCER_ID = -1;

/**
 * The offsets that the groups of one shard have committed, and those that open transactions will commit. They change
 * by replay alone; every change is entered in the journal.
 */
export class GroupOffsets {
  private readonly committed = new OffsetTable();
  private readonly pendingByProducer = new Map<number, OffsetTable>();
  private readonly journal: Journal;
  private nextSequence = 0;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.committed.get(groupId, topic, partition);
  }

  /** A group's committed offsets by topic. */
  topicsOf(groupId: string): TopicOffsets {
    return this.committed.topicsOf(groupId);
  }

  /** Groups that have committed offsets. */
  groupIds(): IterableIterator<string> {
    return this.committed.groupIds();
  }

  /** What open transactions will commit for a group, a table for each. */
  pendingTables(groupId: string): readonly OffsetTable[] {
    if (this.pendingByProducer.size === 0) return [];
    return [...this.pendingByProducer.values()].filter((table) => table.has(groupId));
  }

  /** A group's offsets by topic, committed or pending: where there are several for a partition, any of them. */
  allOf(groupId: string): TopicOffsets {
    const pending = this.pendingTables(groupId);
    if (pending.length === 0) return this.topicsOf(groupId);
    const all = new Map<string, Map<number, CommittedOffset>>();
    for (const topics of [this.topicsOf(groupId), ...pending.map((table) => table.topicsOf(groupId))]) {
      for (const [topic, partitions] of topics) all.set(topic, new Map([...(all.get(topic) ?? []), ...partitions]));
    }
    return all;
  }

  hasAny(groupId: string): boolean {
    return this.committed.has(groupId) || this.pendingTables(groupId).length > 0;
  }

  /** @param producerId whose transaction the record is part of, or NO_PRODUCER_ID */
  replayCommit(key: OffsetCommitKey, value: OffsetCommitValue, producerId: number): void {
    const table = producerId === NO_PRODUCER_ID ? this.committed : this.pendingTableOf(producerId);
    this.change(table, key.group, key.topic, key.partition, committedOffset(value, this.nextSequence++));
  }

  /** A tombstone also takes away what open transactions have for the partition. */
  replayTombstone(key: OffsetCommitKey): void {
    this.nextSequence++;
    this.change(this.committed, key.group, key.topic, key.partition, undefined);
    for (const table of this.pendingTables(key.group)) {
      this.change(table, key.group, key.topic, key.partition, undefined);
    }
  }

  /** The transaction has ended: its offsets become committed ones, or nothing. */
  replayEndTransaction(producerId: number, outcome: "commit" | "abort"): void {
    const pending = this.pendingByProducer.get(producerId);
    if (pending === undefined) return;
    this.pendingByProducer.delete(producerId);
    this.journal.record(() => this.pendingByProducer.set(producerId, pending));
    if (outcome === "commit") this.commitAll(pending);
  }

  /**
   * An offset committed outside the transaction after it was committed inside is the newer one and stays, also where
   * compaction has changed which of the two records comes first.
   */
  private commitAll(pending: OffsetTable): void {
    for (const groupId of pending.groupIds()) {
      for (const [topic, partitions] of pending.topicsOf(groupId)) {
        for (const [partition, offset] of partitions) {
          const present = this.committed.get(groupId, topic, partition);
          if (present !== undefined && present.sequence > offset.sequence) continue;
          this.change(this.committed, groupId, topic, partition, offset);
        }
      }
    }
  }

  private pendingTableOf(producerId: number): OffsetTable {
    const existing = this.pendingByProducer.get(producerId);
    if (existing !== undefined) return existing;
    const table = new OffsetTable();
    this.pendingByProducer.set(producerId, table);
    this.journal.record(() => this.pendingByProducer.delete(producerId));
    return table;
  }

  private change(
    table: OffsetTable,
    groupId: string,
    topic: string,
    partition: number,
    value: CommittedOffset | undefined,
  ): void {
    const previous = table.get(groupId, topic, partition);
    table.put(groupId, topic, partition, value);
    this.journal.record(() => table.put(groupId, topic, partition, previous));
  }
}
