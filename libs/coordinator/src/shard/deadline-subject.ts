import type { Deadline } from "./deadlines.ts";

/** What a deadline of a shard is about. Groups and members are named, so that a deadline keeps none of them alive. */
export type DeadlineSubject =
  /** The time for members to join (again) is over. */
  | { readonly type: "classicJoin"; readonly groupId: string }
  /** The time for members to ask for their assignment is over. */
  | { readonly type: "classicSync"; readonly groupId: string }
  /** A member, or one that was only given an id, has been silent for its session timeout. */
  | { readonly type: "classicSession"; readonly groupId: string; readonly memberId: string }
  /** A member of a consumer group has been silent for its session timeout. */
  | { readonly type: "consumerSession"; readonly groupId: string; readonly memberId: string }
  /** A member of a consumer group has not given up in time what it was told to in this epoch. */
  | {
      readonly type: "consumerRebalance";
      readonly groupId: string;
      readonly memberId: string;
      readonly memberEpoch: number;
    }
  /** Expired offsets and groups are to be looked for. */
  | { readonly type: "expirySweep" }
  /** The oldest uncommitted records have waited for too long. */
  | { readonly type: "commitTimeout" };

export type ShardDeadline = Deadline<DeadlineSubject>;
