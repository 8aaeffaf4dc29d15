import type { Uuid } from "@ottla/protocol";
import type { GroupRecord } from "../records/group-record.ts";

/** What a client commits for one partition. */
export interface OffsetToCommit {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
  /** Negative for the broker's retention. */
  readonly retentionMs: number;
}

export function offsetCommitRecord(groupId: string, commit: OffsetToCommit, wallMs: number): GroupRecord {
  return {
    type: "offsetCommit",
    key: { group: groupId, topic: commit.topic, partition: commit.partition },
    value: {
      offset: commit.offset,
      leaderEpoch: commit.leaderEpoch,
      metadata: commit.metadata ?? "",
      commitTimestamp: wallMs,
      expireTimestamp: commit.retentionMs < 0 ? -1 : Math.min(wallMs + commit.retentionMs, Number.MAX_SAFE_INTEGER),
      topicId: commit.topicId,
    },
  };
}

export function offsetTombstone(groupId: string, topic: string, partition: number): GroupRecord {
  return { type: "offsetCommit", key: { group: groupId, topic, partition }, value: null };
}
