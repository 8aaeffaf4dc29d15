import type { PartitionConfig } from "../config/topic-config.ts";
import { NOTHING_THROTTLED } from "../replication/replication-quota.ts";

/** What a partition's config has besides its log's, with nothing in it. */
export const NO_POLICY: Pick<PartitionConfig, "compression" | "leaderThrottled" | "followerThrottled"> = {
  compression: null,
  leaderThrottled: NOTHING_THROTTLED,
  followerThrottled: NOTHING_THROTTLED,
};
